// The tree of a conversation's messages: paths through it and versions of a message.

import type { Message } from "../api/types";

export type Tree = ReadonlyMap<string, Message>;

export const treeOf = (messages: readonly Message[]): Tree => new Map(messages.map((each) => [each.id, each]));

/** From the first message to `leaf`; empty where there is none. */
export function pathTo(tree: Tree, leaf: string | null): Message[] {
  const path: Message[] = [];
  for (let at = leaf && tree.get(leaf); at && path.length <= tree.size; at = at.parent_id && tree.get(at.parent_id)) {
    path.push(at);
  }
  return path.reverse();
}

/** All versions of a message, itself among them, in the order they were made. */
export function versions(tree: Tree, message: Message): Message[] {
  return [...tree.values()].filter((each) => each.parent_id === message.parent_id && each.role === message.role);
}

/** Where a branch ends that begins with `id`: at every fork its newest message. */
export function newestLeaf(tree: Tree, id: string): string {
  const newest = new Map<string, string>();
  for (const each of tree.values()) if (each.parent_id) newest.set(each.parent_id, each.id);
  let leaf = id;
  for (let next = newest.get(leaf); next; next = newest.get(leaf)) leaf = next;
  return leaf;
}
