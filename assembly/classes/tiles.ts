// The frame of class losses that go by tiles. A loss brings functions for its own part of each pass; the frame packs tiles,
// finds maxima and exponentials, keeps the sums of chunks, and unpacks gradients. It is compiled once and calls those
// functions by reference, so that a loss costs no more than its own mathematics.
//
// Passes over the classes: MEASURE the maxima, ACCUMULATE sums of exponentials, a SECOND sum where a loss needs the first
// one before, FINISH (no pass: the losses, and what the gradient needs), GRADIENT. Where all classes fit a tile, its
// exponentials are computed once and kept. Where they do not, each pass walks them in blocks of TILE_CLASSES and computes the
// exponentials again, so that the scratch is bounded whatever the shape; where even the logits are brought in blocks, the
// host calls once for each pass and block (p.phase, p.first).

import { clear, loadV, pmax, splat, storeV, sub, VECTOR } from '../lane/lane';
import { narrow } from '../lane/wide';
import { ACCUMULATE, CUT, FINISH, GRADIENT, MEASURE, Plan, SECOND } from '../plan';
import { openProducts } from '../sums';
import { blankLanes, expBlock, expTile } from './columns';
import { bring, take } from './lines';
import { tileRow } from './pack';
import {
  ALL, ARRAYS, AWAY, beginSamples, BLOCK, IDLE, MAX, OF_TARGET, openSamples, PRODUCT, REST, SUM, TARGET, TIES, UNUSED,
} from './samples';
import { advance, begin, closeChunk, laneArray, lastOf, locate, openChunk, startsAnew, stateBytes, Walk } from './walk';

/** A loss's part of a pass. */
export type Pass = (p: Plan, t: Walk) => void;

/** What a pass does that has nothing to do. */
export function nothing(p: Plan, t: Walk): void {}

// What a loss asks of the frame.
export const EXPONENTIALS: u32 = 1; // maxima, e^(x−m) and q
export const OF_TARGETS: u32 = 2; // half of x − m, and e^(x−m), of the target
export const VALUES: u32 = 4; // a tile of target values
export const SPARE: u32 = 8; // a tile more
export const WEIGHS: u32 = 16; // the class weight of its target weighs a sample
export const SPREADS: u32 = 32; // a sample counts even where that is 0
export const ALWAYS: u32 = 64; // or where its sample weight is
export const SHARP: u32 = 256; // exponentials are refined whatever q is
export const DIRECT: u32 = 128; // no tiles: the loss reads and writes a few values in their place

/** Classes of a tile. Four tiles of these are 2 MiB. */
export const TILE_CLASSES: i32 = 2048;
/** Classes further apart than this (bytes) are beyond the hardware's prefetching: half a page. */
const FAR_APART: usize = 2048;
/** Inputs of fewer bytes often wait in the last cache from one call to the next. */
const BEYOND_CACHES: usize = 2097152;
/** Rows of fewer bytes the hardware fetches in time by itself. */
const SHORTEST_ROW: usize = 128;
/** Bytes that two vectors have: a loop over two columns touches as many of a tile as it computes. */
const TOUCH: usize = 32;

/** The i-th tile: the logits, their exponentials and then the gradients, the target values, the spare one. */
// @ts-ignore: decorator
@inline export function tileOf(p: Plan, i: i32): usize {
  return laneArray(p, ARRAYS) + tilesApart(p, i);
}

/** From a place in one tile to that in the i-th one after it. */
// @ts-ignore: decorator
@inline export function tilesApart(p: Plan, i: i32): usize {
  return <usize>i * changetype<Walk>(p.scratch).tile;
}

// @ts-ignore: decorator
@inline function tileBytes(p: Plan): usize {
  return <usize>min(p.total, TILE_CLASSES) * tileRow();
}

// @ts-ignore: decorator
@inline function tilesOf(traits: u32): i32 {
  return traits & DIRECT ? 0 : traits & SPARE ? 4 : traits & VALUES ? 3 : 2;
}

/** Scratch of a loss that asks for `traits` and for some bytes of its own, which come last. */
function bytesOf(p: Plan, traits: u32, own: usize): usize {
  return stateBytes(ARRAYS) + <usize>tilesOf(traits) * tileBytes(p) + own;
}

/** The bytes of its own that a loss asked for. */
// @ts-ignore: decorator
@inline export function ownOf(p: Plan, traits: u32): usize {
  return laneArray(p, ARRAYS) + <usize>tilesOf(traits) * tileBytes(p);
}

/** Takes a plan through the passes of a loss. */
export function tiles(
  p: Plan, traits: u32, own: usize,
  load: Pass, measure: Pass, first: Pass, second: Pass, finish: Pass, gradient: Pass, store: Pass, close: Pass,
): usize {
  if (!p.scratch) return bytesOf(p, traits, own);
  const cut = (p.flags & CUT) != 0, fresh = startsAnew(p);
  const t = changetype<Walk>(p.scratch);
  t.tile = tileBytes(p);
  if (fresh) {
    begin(p);
    beginSamples(p);
    openProducts(laneArray(p, PRODUCT));
  } else locate(p, t, 0);
  t.kept = !cut && p.middle <= TILE_CLASSES;
  while (!fresh || openChunk(p, t)) {
    while (!fresh || advance(p, t, false, (traits & DIRECT) == 0)) {
      if (fresh) {
        openSamples(p, t, (traits & WEIGHS) != 0, (traits & SPREADS) != 0, (traits & ALWAYS) != 0);
        reset(p, t);
      }
      lookAhead(p, t);
      if (t.kept) {
        fetch(p, t, traits, load);
        if (t.marked) clearIdle(p, t, traits);
        measure(p, t);
        exponentials(p, t, traits, true);
        first(p, t);
        second(p, t);
        if (p.phase & FINISH) finish(p, t);
        if (p.grad != 0 && (p.phase & GRADIENT) != 0) {
          gradient(p, t);
          send(p, t, traits, store);
        }
      } else blocks(p, t, traits, load, measure, first, second, finish, gradient, store);
      if (!fresh) break;
    }
    if (p.phase & FINISH) close(p, t);
    if (!cut || (p.phase & FINISH) != 0) closeChunk(p, t);
    if (cut) break;
  }
  return 0;
}

/** The passes of p.phase over a tile whose classes do not fit it, or are not all there. */
function blocks(
  p: Plan, t: Walk, traits: u32,
  load: Pass, measure: Pass, first: Pass, second: Pass, finish: Pass, gradient: Pass, store: Pass,
): void {
  const x = t.x, y = t.y, g = t.g;
  for (let phase: u32 = MEASURE; phase <= GRADIENT; phase <<= 1) {
    if (!(p.phase & phase)) continue;
    // the second sums may be of what is divided by the first ones
    if ((phase == SECOND || phase == FINISH) && (traits & EXPONENTIALS) != 0) closeRests(p, t);
    if (phase == FINISH) {
      finish(p, t);
      continue;
    }
    if (phase == GRADIENT && !p.grad) continue;
    for (let c = 0; c < p.middle; c += TILE_CLASSES) {
      t.first = p.first + c;
      t.count = min(TILE_CLASSES, p.middle - c);
      t.x = x + <usize>c * t.classX;
      t.y = y + <usize>c * t.classY;
      t.g = g + <usize>c * t.classG;
      fetch(p, t, traits, load);
      if (t.marked) clearIdle(p, t, traits);
      if (phase == MEASURE) {
        if (traits & EXPONENTIALS) measureMax(p, t);
        measure(p, t);
        continue;
      }
      exponentials(p, t, traits, phase == ACCUMULATE);
      if (phase == ACCUMULATE) first(p, t);
      else if (phase == SECOND) second(p, t);
      else {
        gradient(p, t);
        send(p, t, traits, store);
      }
    }
    t.x = x;
    t.y = y;
    t.g = g;
  }
}

/** Sums that the blocks of a tile add to start from 0, maxima from −Infinity. */
function reset(p: Plan, t: Walk): void {
  t.first = p.first;
  t.count = p.middle;
  if (t.kept) return;
  memory.fill(laneArray(p, SUM), 0, 3 * tileRow()); // and TIES
  memory.fill(laneArray(p, AWAY), 0, 2 * tileRow()); // and OF_TARGET: an ignored sample has no target that writes them
  for (let at: usize = 0; at < tileRow(); at += VECTOR) storeV(laneArray(p, MAX) + at, splat(-Infinity));
}

function fetch(p: Plan, t: Walk, traits: u32, load: Pass): void {
  if (traits & DIRECT) return;
  bring(t, t.x, t.classX, t.sampleX, t.lineX, tileOf(p, 0), maximaOf(p, t));
  if ((traits & VALUES) != 0 && p.target) bring(t, t.y, t.classY, t.sampleY, t.lineY, tileOf(p, 2), laneArray(p, UNUSED));
  load(p, t);
}

/** Where the largest logits of the tile go. */
// @ts-ignore: decorator
@inline export function maximaOf(p: Plan, t: Walk): usize {
  return laneArray(p, t.kept ? MAX : BLOCK);
}

/** What idle samples hold does not matter: zeros, so that nothing of it spreads. */
function clearIdle(p: Plan, t: Walk, traits: u32): void {
  if (traits & DIRECT) return;
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    const idle = loadV(laneArray(p, IDLE) + at), m = maximaOf(p, t) + at;
    storeV(m, clear(loadV(m), idle));
    blankLanes(tileOf(p, 0) + at, t.count, idle);
    if ((traits & VALUES) != 0 && p.target) blankLanes(tileOf(p, 2) + at, t.count, idle);
  }
}

/** The maxima so far, those of a block included. */
function measureMax(p: Plan, t: Walk): void {
  const maxima = laneArray(p, MAX), block = laneArray(p, BLOCK);
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    storeV(maxima + at, pmax(loadV(maxima + at), loadV(block + at)));
  }
}

/** The exponentials of the tile; the first time also their sums, and what belongs to the targets. */
function exponentials(p: Plan, t: Walk, traits: u32, sums: bool): void {
  const tile = tileOf(p, 0), to = tileOf(p, 1), maxima = laneArray(p, MAX);
  if (traits & EXPONENTIALS) {
    if (t.kept) expTile(t, tile, to, maxima, laneArray(p, REST), traits & SHARP ? laneArray(p, ALL) : 0);
    else expBlock(tile, to, t.count, t.n, maxima, sums ? laneArray(p, SUM) : 0, laneArray(p, TIES));
  }
  if (!sums || !(traits & OF_TARGETS)) return;
  if (t.kept) return; // they are read in their place (target.ts)
  for (let i = 0; i < t.n; i++) {
    const at = <usize>i << 2;
    const c = load<i32>(laneArray(p, TARGET) + at) - t.first;
    if (<u32>c >= <u32>t.count) continue;
    const place = <usize>c * tileRow() + at;
    const m: f32 = traits & EXPONENTIALS ? load<f32>(maxima + at) : 0;
    store<f32>(laneArray(p, AWAY) + at, load<f32>(tile + place) * 0.5 - m * 0.5);
    if (traits & EXPONENTIALS) store<f32>(laneArray(p, OF_TARGET) + at, load<f32>(to + place));
  }
}

/**
 * Where classes lie far apart no hardware prefetcher follows, and packing and unpacking a tile would wait for each of its cache
 * lines; and where rows come from beyond the caches, these would wait for memory, and memory for the computation between. So a
 * loop that computes for long and loads little touches the lines of the next tile and of this one's gradient as it goes: they
 * are on their way when it ends.
 */
function lookAhead(p: Plan, t: Walk): void {
  t.touchX = t.touchG = t.beside = 0;
  t.aheadX = t.aheadG = p.scratch;
  if (!t.kept) return;
  const row = <usize>t.count << 2;
  const columns = t.sampleX == 4 && t.classX >= FAR_APART;
  const together = t.classX == 4 && t.sampleX == row && row >= SHORTEST_ROW && (t.n & 7) == 0;
  if (!columns && (!together || <usize>lastOf(p) * row < BEYOND_CACHES)) return;
  const more = columns ? t.sample % p.inner + 2 * t.n <= p.inner : t.sample + 2 * t.n <= lastOf(p);
  const own = t.g != 0 && (columns || (t.classG == 4 && t.sampleG == row));
  t.aheadX = more ? t.x + <usize>t.n * t.sampleX : t.x; // else there is nothing to read at its place
  t.aheadG = own ? t.g : t.x;
  t.touchX = columns ? t.classX : TOUCH;
  t.touchG = columns && own ? t.classG : t.touchX;
  t.beside = columns ? TOUCH : <usize>t.count * TOUCH;
}

/** q from the sums of all blocks. */
function closeRests(p: Plan, t: Walk): void {
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    const ties = sub(loadV(laneArray(p, TIES) + at), splat(1));
    storeV(laneArray(p, REST) + at, narrow(laneArray(p, SUM) + 2 * at, ties));
  }
}

function send(p: Plan, t: Walk, traits: u32, store: Pass): void {
  if (traits & DIRECT) return;
  store(p, t);
  take(t, tileOf(p, 1), t.scales);
}
