/** Histories that ship with the package: small, and of every kind of wait that a bad deploy would meet first. */
export const SHIPPED_HISTORIES = new URL('./histories/', import.meta.url);
