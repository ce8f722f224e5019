/** A Live2D model's parameters under their standard names: which of its own ids stand for them, in which range. */

import { RANGES } from "./parameters.js";
import { VOWEL_IDS } from "./voice.js";

const LID = /^ParamEye[LR]Open$/;
const VOWEL_RANGE = [0, 0, 1];

/** `value` of a standard range [min, rest, max] on the model's scale {min, rest, max}: rest stays rest. */
export function scale(value, [min, rest, max], own) {
  if (value >= rest) return own.rest + ((value - rest) / (max - rest || 1)) * (own.max - own.rest);
  return own.rest - ((rest - value) / (rest - min || 1)) * (own.rest - own.min);
}

/** The way back from a change on the model's scale to one in standard units. */
function unscale(change, [min, rest, max], own) {
  const share = change >= 0 ? change / (own.max - own.rest || 1) : change / (own.rest - own.min || 1);
  return share * (change >= 0 ? max - rest : rest - min);
}

export class Channels {
  #own = new Map(); // standard id -> [{index, min, rest, max}]
  #names = new Map(); // own id -> standard id
  #parameters = new Map(); // own id -> {index, min, rest, max}

  /**
   * @param candidates standard id -> groups of own ids, best first: the first group that the model has is taken
   * @param parameters the core's {count, ids, minimumValues, maximumValues, defaultValues}
   */
  constructor(candidates, parameters) {
    const { ids, minimumValues, maximumValues, defaultValues } = parameters;
    ids.forEach((id, index) => {
      const [min, max, rest] = [minimumValues[index], maximumValues[index], defaultValues[index]];
      this.#parameters.set(id, { index, min, rest, max });
    });
    const folded = new Map(ids.map((id) => [fold(id), id]));
    for (const [standard, groups] of Object.entries(candidates)) {
      const found = groups.map((group) => group.map((id) => this.#find(id, folded)).filter(Boolean));
      const ours = found.find((group) => group.length > 0);
      if (!ours) continue;
      this.#own.set(standard, ours.map((id) => this.#parameters.get(id)));
      for (const id of ours) if (!this.#names.has(id) || id === standard) this.#names.set(id, standard);
    }
    if (Object.values(VOWEL_IDS).some((id) => !this.#own.has(id))) {
      for (const id of Object.values(VOWEL_IDS)) this.#own.delete(id); // an odd ParamA is no vowel
    }
  }

  /** Standard ids that move something. */
  get ids() {
    return [...this.#own.keys()];
  }

  get params() {
    return [...new Set([...this.ids, ...this.#parameters.keys()])];
  }

  /** Whether each vowel has a parameter of its own. */
  get vowels() {
    return this.#own.has(VOWEL_IDS.a);
  }

  range(standard) {
    const [min, rest, max] = RANGES[standard] ?? VOWEL_RANGE;
    return { min, rest, max };
  }

  /** The model's parameters for a standard id. */
  own(standard) {
    return this.#own.get(standard) ?? [];
  }

  /** The parameters called `id`, by either name; what a hold means. */
  named(id) {
    return this.#parameters.has(id) ? [this.#parameters.get(id)] : this.own(id);
  }

  /** `value` in standard units as one of a model's parameter; lids open beyond their rest as far as below it. */
  scaled(standard, value, own) {
    if (LID.test(standard) && value > 1) return own.rest + (value - 1) * (own.rest - own.min);
    return scale(value, RANGES[standard] ?? VOWEL_RANGE, own);
  }

  /** An expression's changes in standard units: Map from standard id. What multiplies or overwrites counts as well. */
  changes(parameters) {
    const found = new Map();
    for (const { id, value, blend } of parameters) {
      const standard = this.#names.get(id);
      const own = this.#parameters.get(id);
      if (!standard || !own) continue;
      const change = { Add: value, Multiply: own.rest * (value - 1), Overwrite: value - own.rest }[blend];
      found.set(standard, unscale(change, RANGES[standard] ?? VOWEL_RANGE, own));
    }
    return found;
  }

  #find(id, folded) {
    return this.#parameters.has(id) ? id : folded.get(fold(id));
  }
}

const fold = (id) => id.toLowerCase().replace(/[^a-z0-9]/g, "").replace(/^param/, "");
