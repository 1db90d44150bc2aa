/** The messages of the room, with the parameters of each key. */
export type Show = {
  state: { slide: readonly [number: number]; note: readonly [text: string] };
  events: { bell: readonly [] };
  signals: { hand: readonly [] };
};
