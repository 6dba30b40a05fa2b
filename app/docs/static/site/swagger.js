// Starts Swagger UI with the document of the page. A file cannot send requests to a server, so
// nothing is offered to be tried out.
"use strict";

window.ui = SwaggerUIBundle({
  domNode: document.getElementById("swagger"),
  spec: window.apiDocument,
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  deepLinking: true,
  supportedSubmitMethods: [],
  // The default validator is a server on the internet.
  validatorUrl: null,
});
