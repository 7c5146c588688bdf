// All that a kernel reads: the operands of a call, each with its place.

import type { Call, Role } from '../arguments/call.ts';
import type { Operand } from '../arguments/operand.ts';
import { PLAN, type Plan, type Runtime } from '../machine/runtime.ts';
import type { Block } from './blocks.ts';
import { IndexTarget } from './indices.ts';
import { type Fields, Input, OPERANDS, type Sizes, type Source } from './input.ts';
import type { HeadWork } from './linear/head.ts';
import { type Kind, Place, type Scratch } from './place.ts';
import { type Rows, rowsOf } from './rows.ts';
import { SetFlags, SparseTarget } from './sparse.ts';

const INPUT = { at: PLAN.input, outer: PLAN.inputOuter, step: PLAN.inputStep };
const TARGET = { at: PLAN.target, outer: PLAN.targetOuter, step: PLAN.targetStep };
const INCOMING = { at: PLAN.incoming };

export class Operands {
  readonly input: Source & { readonly part: number | undefined };
  readonly target: Source | undefined;
  readonly indices: IndexTarget | undefined;
  /** Sets of no classes: no sample counts, of however many. */
  readonly setless: boolean;
  /** Elementwise calls: rows in which operands repeat. */
  readonly rows: Rows | undefined;
  /** What moves along with the blocks. */
  readonly #moving: Input[] = [];
  /** Weights of samples, which the scan of the targets reads too. */
  readonly #samples: Input[] = [];
  readonly #fixed: Input[] = [];
  /** Everything that a later step has to find again. */
  readonly #places: Place[] = [];
  /** What each step does before its first block. */
  readonly #refills: (() => void)[] = [];
  readonly #runtime: Runtime;
  readonly #scratch: Scratch;
  readonly #byClass: boolean;
  /** A scan reads the input. */
  readonly reads: boolean;

  /** `later`: steps come later than the operands were checked; `head`: what the input is computed from. */
  constructor(call: Call, runtime: Runtime, scratch: Scratch, later: boolean, head?: HeadWork) {
    const { input, maps, incoming, shape, uses, byClass } = call;
    this.#runtime = runtime;
    this.#scratch = scratch;
    this.#byClass = byClass;
    this.input = head ?? this.#operand(input, 'values', INPUT);
    this.reads = !head || call.record.both === true;
    if (head) this.#places.push(...head.places);
    if (head) this.#refills.push(() => head.start());
    this.setless = call.record.target === 'sets' && call.middle === 0;
    const { target, indices } = this.#targets(call, later);
    this.target = target;
    this.indices = indices;
    if (typeof incoming !== 'number') this.#moving.push(this.#operand(incoming, 'losses', INCOMING));
    for (const { field, role, operand } of uses) {
      if (role === 'repeating' || (maps.length > 0 && field === 'd')) continue;
      const list = role === 'whole' ? this.#fixed : role === 'samples' ? this.#samples : this.#moving;
      list.push(this.#operand(operand, role, OPERANDS[field]));
    }
    this.rows = byClass ? undefined : rowsOf(shape, input.length, uses);
    for (const { use, operand, strides, refill } of this.rows?.operands ?? []) {
      const place = this.#find(use.operand);
      if (refill) {
        place.copied = true;
        this.#refills.push(() => refill(place.values));
      }
      const own = refill ? new Place(operand, Float32Array, runtime) : place;
      this.#moving.push(new Input(own, 'repeating', OPERANDS[use.field], runtime, scratch, strides));
    }
  }

  #find(operand: Operand, kind: Kind = Float32Array): Place {
    const place = new Place(operand, kind, this.#runtime);
    this.#places.push(place);
    return place;
  }

  #operand(operand: Operand, role: Role, fields: Fields): Input {
    return new Input(this.#find(operand), role, fields, this.#runtime, this.#scratch);
  }

  /** What the loss is compared with: values, indices, or both. */
  #targets(call: Call, later: boolean): { target?: Source; indices?: IndexTarget } {
    const given = call.target;
    if (!given) return {};
    const indicesOf = (place: Place): IndexTarget => new IndexTarget(call, place, this.#runtime, this.#scratch);
    if (given.kind === 'indices') return { indices: indicesOf(this.#find(given.operand, Int32Array)) };
    let target: Input | SparseTarget;
    if (given.kind === 'sparse') {
      const sparse = new SparseTarget(call, given.sparse, this.#runtime, this.#scratch);
      this.#places.push(...sparse.places);
      if (later) this.#refills.push(() => sparse.check());
      target = sparse;
    } else target = this.#operand(given.operand, 'values', TARGET);
    if (call.record.target !== 'sets' || this.setless) return { target };
    const flags = new SetFlags(call);
    const from = target;
    this.#refills.push(() => (from instanceof SparseTarget ? flags.ofRows(from) : flags.ofValues(from.place.values)));
    return { target, indices: indicesOf(new Place(flags.operand, Int32Array, this.#runtime)) };
  }

  /** Whether everything is in linear memory already. */
  get resident(): boolean {
    const sources = [this.input, ...this.#moving, ...this.#samples, this.target, this.indices];
    return sources.every((source) => source?.resident !== false);
  }

  /** Whether nothing is made of operands before the first block. */
  get plain(): boolean {
    return this.#refills.length === 0;
  }

  /** Whether a step finds all of it where the last one did, as long as no tensor is freed. */
  get still(): boolean {
    return this.plain && this.resident && this.#places.every((place) => place.tensorial);
  }

  /** Whether everything but input and target is in the engine's tensors, or small. */
  settled({ input, target }: Call): boolean {
    const own = target && target.kind !== 'sparse' ? target.operand : undefined;
    return this.#places.every(({ operand, settled }) => operand === input || operand === own || settled);
  }

  /** Finds everything again after input and target took other arrays; false where one lies elsewhere than before. */
  retake(): boolean {
    for (const place of this.#places) if (!place.retake()) return false;
    return true;
  }

  /** Whether samples have weights. */
  get weighted(): boolean {
    return this.#samples.length > 0;
  }

  /** Reserves room for a block. */
  reserve(sizes: Sizes): void {
    for (const operand of [this.input, ...this.#moving, ...this.#samples, ...this.#fixed]) operand.reserve(sizes);
    this.target?.reserve(sizes);
    this.indices?.reserve(sizes.samples);
  }

  /** Tensors may have been freed, arrays rewritten or transferred, memory may have grown. */
  findAgain(): void {
    for (const place of this.#places) place.refind();
    for (const place of this.#places) place.find(); // reading one may have done anything to the others
  }

  /** What comes before the first block. */
  start(): void {
    for (const refill of this.#refills) refill();
  }

  /** Brings what does not move. */
  bringFixed(plan: Plan, block: Block): void {
    for (const operand of this.#fixed) operand.bring(plan, block);
  }

  /** Brings the targets, where they are not cut along with the class axis, and what weighs samples. */
  bringTargets(plan: Plan, block: Block, cut: boolean): void {
    this.indices?.bring(plan, block);
    if (!cut) this.target?.bring(plan, block);
    for (const operand of this.#samples) operand.bring(plan, block);
  }

  /** Brings what moves along and is neither input nor target. */
  bringMoving(plan: Plan, block: Block): void {
    for (const operand of this.#moving) operand.bring(plan, block);
  }

  /** Brings all of a single block. */
  bringAll(plan: Plan, block: Block): void {
    this.bringFixed(plan, block);
    this.bringTargets(plan, block, false);
    this.bringMoving(plan, block);
    this.input.bring(plan, block);
  }

  /** Brings what a scan reads beside the targets. */
  bringScanned(plan: Plan, block: Block): void {
    if (this.#byClass) return;
    if (this.reads) this.input.bring(plan, block);
    this.bringMoving(plan, block);
  }
}
