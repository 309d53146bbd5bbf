declare function deployment(variables: {
  readonly options: Readonly<Record<string, string | readonly string[]>>;
  resolveVariable(name: string): Promise<unknown>;
}): Promise<unknown>;
declare namespace deployment {
  const readDeployment: typeof deployment;
}
export = deployment;
