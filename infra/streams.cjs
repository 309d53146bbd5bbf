// The streams, as metrics name them, and the function that folds each.
"use strict";

const { streamSettings } = require("../lib/streams/declared.ts");

module.exports = Object.fromEntries(
  Object.keys(streamSettings).map((stream) => [stream, `aggregate-${stream}`]),
);
