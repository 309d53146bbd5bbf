// osls loads local plugins from the service's own folder only; another project has a copy of localstack/ in its own.
export { default } from "../../localstack/event-source-mapping/plugin.ts";
