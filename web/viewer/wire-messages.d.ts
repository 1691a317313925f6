/** type → [name, group, [[field, kind, limit], …]]; made by tools/generate-wire at build time. */
export const MESSAGES: Record<number, [string, string, [string, string, number][]]>;
