// The HTTP API: everything but /health wants a token, calls are limited and logged, other sites' pages may not call it.

import { isProperties } from "../../localstack/event-source-mapping/settings.ts";
import { resourcesOf, type Template } from "./template.ts";

const OPEN_ROUTES = ["GET /health"];

export function checkHttpApi(template: Template): string[] {
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
      ([id, { AccessLogSettings, DefaultRouteSettings }]) => [
        ...(isProperties(AccessLogSettings) ? [] : [`${id}: has no access logs`]),
        ...(isProperties(DefaultRouteSettings) && Number(DefaultRouteSettings.ThrottlingRateLimit) > 0
          ? []
          : [`${id}: has no limit of calls per second`]),
      ],
    ),
    ...resourcesOf(template, "AWS::ApiGatewayV2::Api")
      .filter(([, { CorsConfiguration }]) => CorsConfiguration !== undefined)
      .map(([id]) => `${id}: CORS is open; nobody asked for it`),
  ];
}
