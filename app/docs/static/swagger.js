// Starts Swagger UI with the documents that the page names. No inline script: the policy forbids it.
"use strict";

const element = document.getElementById("swagger-ui");

window.ui = SwaggerUIBundle({
  domNode: element,
  urls: JSON.parse(element.dataset.documents),
  "urls.primaryName": element.dataset.selected,
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
  layout: "StandaloneLayout",
  deepLinking: true,
  // The default validator is a server on the internet.
  validatorUrl: null,
});
