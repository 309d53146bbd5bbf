export const PEOPLES_CONNECTIONS: number;
