// The streams, as metrics name them, and the function that folds each.
"use strict";

module.exports = {
  sensor: "aggregate-sensor",
  consumption: "aggregate-consumption",
  weather: "aggregate-weather",
};
