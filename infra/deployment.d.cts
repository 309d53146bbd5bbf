declare function deployment(variables: {
  readonly options: Readonly<Record<string, string>>;
  resolveVariable(name: string): Promise<unknown>;
}): Promise<unknown>;
declare namespace deployment {
  const readDeployment: typeof deployment;
  const NUMBERS_OF_FUNCTIONS: readonly (readonly [
    variable: string,
    fallback: number,
    least: number,
    most: number,
  ])[];
}
export = deployment;
