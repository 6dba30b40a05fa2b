// Starts ReDoc with the document of the page.
"use strict";

Redoc.init(window.apiDocument, { hideHostname: true }, document.getElementById("redoc"));
