// Starts ReDoc with the document that the page names. No inline script: the policy forbids it.
"use strict";

const element = document.getElementById("redoc");

Redoc.init(element.dataset.document, { hideHostname: true }, element);
