// What `GET /` shows to a person: what this is, where to go, and three queries. No script, nothing from elsewhere; only the
// host in the examples is the request's.

import { createHash } from "node:crypto";

const STYLE = `
body { margin: 2rem auto; max-width: 44rem; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif; color: #1b1f24; background: #fff; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.05rem; margin-top: 2rem; }
code, pre { font: 0.85rem/1.5 ui-monospace, monospace; background: #f2f4f6; border-radius: 4px; }
code { padding: 0.1rem 0.3rem; } pre { padding: 0.8rem; overflow-x: auto; } pre code { padding: 0; }
td { padding: 0.2rem 1rem 0.2rem 0; vertical-align: top; } a { color: #0b57d0; }
@media (prefers-color-scheme: dark) { body { color: #e3e6ea; background: #14171a; } code, pre { background: #22272d; } a { color: #8ab4f8; } }
`;

const pageFor = (origin: string) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>SmartGrid pipeline</title>
<style>${STYLE}</style>
</head>
<body>
<h1>SmartGrid pipeline</h1>
<p>Sensor readings, meter readings and weather come in through Kafka, and become exact windows in PostgreSQL:
5 minutes for sensors, 1 hour for consumption and weather. Each record counts once.</p>
<h2>How it is</h2>
<table>
<tr><td><a href="/health">/health</a></td><td>the API runs</td></tr>
<tr><td><a href="/ready">/ready</a></td><td>Kafka and PostgreSQL answer; what does not go on</td></tr>
<tr><td><a href="/metrics">/metrics</a></td><td>the same in figures, for Prometheus</td></tr>
</table>
<h2>Sending</h2>
<table>
<tr><td><code>POST /api/v1/ingest/sensor</code></td><td>one sensor reading, or up to 500</td></tr>
<tr><td><code>POST /api/v1/ingest/meter</code></td><td>one meter reading, or up to 500</td></tr>
<tr><td><code>POST /api/v1/weather/generate</code></td><td>one simulated weather event</td></tr>
</table>
<pre><code>curl -X POST -H 'content-type: application/json' ${origin}/api/v1/ingest/meter \\
  -d '{"meter_id": "M-1", "customer_id": "C-1", "reading": 1.5, "unit": "kWh"}'</code></pre>
<h2>Asking, in SQL</h2>
<pre><code>SELECT window_start, customer_id, total_consumption, reading_count, state
FROM consumption_aggregates_realtime ORDER BY window_start DESC LIMIT 10;

SELECT window_start, sensor_id, avg_value, min_value, max_value, count, state
FROM sensor_aggregates_realtime ORDER BY window_start DESC LIMIT 10;

SELECT window_start, avg_temperature, avg_humidity, weather_condition, state
FROM weather_aggregates_realtime ORDER BY window_start DESC LIMIT 10;</code></pre>
</body>
</html>
`;

const styleHash = createHash("sha256").update(STYLE).digest("base64");

const headers = {
  "Content-Security-Policy": `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
} as const;

/** What a host may be made of; a header that holds anything else is not written into the page. */
const HOST = /^[A-Za-z0-9._-]+(:\d{1,5})?$|^\[[0-9A-Fa-f:.]+\](:\d{1,5})?$/;

/**
 * The page with examples that run as pasted.
 * @param url of the request; behind Lambda its protocol says nothing
 * @param host the request's header `Host`, undefined where there is none
 * @param protocol its `X-Forwarded-Proto`, which API Gateway sets; where nothing stands in front it is http
 */
export function pageOf(
  url: string,
  host?: string,
  protocol?: string,
): { html: string; headers: typeof headers } {
  const shown = host !== undefined && HOST.test(host) ? host : new URL(url).host;
  return { html: pageFor(`${protocol === "https" ? "https" : "http"}://${shown}`), headers };
}
