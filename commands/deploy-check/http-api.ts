// The HTTP API: everything but the page and /health wants a token, calls are limited and logged, those without a token more than others,
// other sites' pages may not call it, and its functions leave executions to others.

import { isProperties } from "../../localstack/event-source-mapping/settings.ts";
import { functionsOf, refersTo, resourcesOf, type Template } from "./template.ts";

const OPEN_ROUTES = ["GET /", "GET /health"];

const isLimited = (settings: unknown) =>
  isProperties(settings) &&
  Number(settings.ThrottlingRateLimit) > 0 &&
  Number(settings.ThrottlingBurstLimit) > 0;

export function checkHttpApi(template: Template): string[] {
  const integrations = resourcesOf(template, "AWS::ApiGatewayV2::Integration");
  return [
    ...resourcesOf(template, "AWS::ApiGatewayV2::Route")
      .filter(
        ([, route]) => !OPEN_ROUTES.includes(String(route.RouteKey)) && route.AuthorizationType !== "JWT",
      )
      .map(
        ([id, { RouteKey }]) =>
          `${id}: ${String(RouteKey)} can be called by everyone; give it the authorizer`,
      ),
    ...resourcesOf(template, "AWS::ApiGatewayV2::Stage").flatMap(
      ([id, { AccessLogSettings, DefaultRouteSettings, RouteSettings }]) => [
        ...(isProperties(AccessLogSettings) ? [] : [`${id}: has no access logs`]),
        ...(isLimited(DefaultRouteSettings) ? [] : [`${id}: has no limit of calls per second`]),
        ...OPEN_ROUTES.filter(
          (route) => !isLimited(isProperties(RouteSettings) ? RouteSettings[route] : null),
        ).map((route) => `${id}: ${route}, which everyone can call, has no limit of its own`),
      ],
    ),
    ...resourcesOf(template, "AWS::ApiGatewayV2::Api")
      .filter(([, { CorsConfiguration }]) => CorsConfiguration !== undefined)
      .map(([id]) => `${id}: CORS is open; nobody asked for it`),
    // Each waits for the brokers when these are slow: without a bound, for as many executions as the account has.
    ...functionsOf(template)
      .filter((view) => refersTo(integrations, view))
      .filter(({ properties }) => typeof properties.ReservedConcurrentExecutions !== "number")
      .map(
        ({ key }) => `${key}: has no reservedConcurrency: callers could take all executions of the account`,
      ),
  ];
}
