declare function deployment(variables: {
  readonly options: Readonly<Record<string, string>>;
  resolveVariable(name: string): Promise<unknown>;
}): Promise<unknown>;
export = deployment;
