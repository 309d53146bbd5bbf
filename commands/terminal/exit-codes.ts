// How the project's commands end: one number has one meaning in all of them.

export const exitCodes = {
  complete: 0,
  failed: 1,
  usage: 2,
  doubted: 3,
  incomplete: 4,
  interrupted: 130,
} as const;
