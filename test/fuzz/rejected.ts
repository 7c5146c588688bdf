/** A draw that means no legal call; it is passed over. */
export class Rejected extends Error {}
