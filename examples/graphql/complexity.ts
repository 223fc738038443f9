import { type DocumentNode, Kind, type SelectionSetNode, type ValueNode } from 'graphql'

/** More than any limit allows. Sums and products stop here, so that they stay exact. */
const MOST = 1_000_000

type Variables = Readonly<Record<string, unknown>>

/**
 * How many fields a query asks for at most: an integer from 1 to 1,000,000. A field with the argument `first`
 * counts as often as it says, with all that is inside it: `books(first: 5) { title }` is 10. Nobody has
 * validated the query, so its fragments may use each other in a circle. Each is counted once.
 */
export function complexityOf(document: DocumentNode, variables: Variables): number {
  const counter = new Counter(document, variables)
  let sum = 0
  for (const node of document.definitions)
    if (node.kind === Kind.OPERATION_DEFINITION) sum += counter.fields(node.selectionSet)
  return Math.min(Math.max(sum, 1), MOST)
}

class Counter {
  readonly #variables: Variables
  readonly #defaults = new Map<string, number>()
  readonly #fragments = new Map<string, SelectionSetNode>()
  /** The fields of each fragment; 0 while they are being counted. */
  readonly #counted = new Map<string, number>()

  constructor({ definitions }: DocumentNode, variables: Variables) {
    this.#variables = variables
    for (const node of definitions) {
      if (node.kind === Kind.FRAGMENT_DEFINITION) this.#fragments.set(node.name.value, node.selectionSet)
      if (node.kind !== Kind.OPERATION_DEFINITION) continue
      for (const { variable, defaultValue } of node.variableDefinitions ?? [])
        if (defaultValue?.kind === Kind.INT) this.#addDefault(variable.name.value, Number(defaultValue.value))
    }
  }

  /** The largest counts, where operations of one document differ. */
  #addDefault(name: string, value: number): void {
    this.#defaults.set(name, Math.max(value, this.#defaults.get(name) ?? 0))
  }

  fields(set: SelectionSetNode | undefined): number {
    let sum = 0
    for (const node of set?.selections ?? []) {
      if (node.kind === Kind.INLINE_FRAGMENT) sum += this.fields(node.selectionSet)
      else if (node.kind === Kind.FRAGMENT_SPREAD) sum += this.#fragment(node.name.value)
      else {
        const first = node.arguments?.find(({ name }) => name.value === 'first')
        sum += this.#times(first?.value) * (1 + this.fields(node.selectionSet))
      }
      sum = Math.min(sum, MOST)
    }
    return sum
  }

  #fragment(name: string): number {
    const known = this.#counted.get(name)
    if (known !== undefined) return known
    this.#counted.set(name, 0)
    const sum = this.fields(this.#fragments.get(name))
    this.#counted.set(name, sum)
    return sum
  }

  /** The number that `first` is, literally or by a variable, and 1 where it is none. */
  #times(value: ValueNode | undefined): number {
    let times: unknown = 1
    if (value?.kind === Kind.INT) times = Number(value.value)
    if (value?.kind === Kind.VARIABLE) {
      const name = value.name.value
      times = this.#variables[name] ?? this.#defaults.get(name)
    }
    return typeof times === 'number' && times >= 1 ? Math.min(Math.ceil(times), MOST) : 1
  }
}
