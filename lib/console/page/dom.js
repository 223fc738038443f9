// Elements without markup: all text goes through text nodes, so that a key is never read as HTML.

/** @typedef {Node | string | null | false | readonly (Node | string | null | false)[]} Child */

const SVG = 'http://www.w3.org/2000/svg'

/**
 * An element with attributes and children. `true` sets an attribute without a value, and `null` or `false`
 * none.
 *
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, string | number | boolean | null | undefined>} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag)
  set(element, attributes)
  append(element, children)
  return element
}

/**
 * @param {string} tag
 * @param {Record<string, string | number | boolean | null | undefined>} [attributes]
 * @param {...Child} children
 */
export function svg(tag, attributes = {}, ...children) {
  const element = /** @type {SVGElement} */ (document.createElementNS(SVG, tag))
  set(element, attributes)
  append(element, children)
  return element
}

/**
 * @param {Element} element
 * @param {Record<string, string | number | boolean | null | undefined>} attributes
 */
export function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) element.removeAttribute(name)
    else {
      const text = value === true ? '' : String(value)
      if (element.getAttribute(name) !== text) element.setAttribute(name, text)
    }
  }
}

/** @param {Element} element @param {readonly Child[]} children */
function append(element, children) {
  for (const child of children.flat()) {
    if (child !== null && child !== false) element.append(child)
  }
}

/**
 * Changes a text only where it differs, so that a selection and a screen reader are left in peace.
 *
 * @param {Node} node
 * @param {string} text
 */
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text
}

/** @param {Element} element @param {...Child} children */
export function fill(element, ...children) {
  element.replaceChildren()
  append(element, children)
}

/** @template {HTMLElement} [E=HTMLElement] @param {string} id @returns {E} */
export function byId(id) {
  return /** @type {E} */ (document.getElementById(id))
}

/**
 * @template {HTMLElement} E
 * @template {keyof HTMLElementEventMap} K
 * @param {E} element
 * @param {K} type
 * @param {(event: HTMLElementEventMap[K]) => void} listener
 * @returns {E}
 */
export function on(element, type, listener) {
  element.addEventListener(type, listener)
  return element
}

/**
 * A button that does something.
 *
 * @param {string} text
 * @param {() => void} act
 * @param {Record<string, string>} [attributes]
 */
export function button(text, act, attributes = {}) {
  return on(h('button', { type: 'button', ...attributes }, text), 'click', act)
}

/**
 * Rows by key: each keeps its element, and with it the focus, while its values and its place change.
 *
 * @template Item
 * @template {{ node: HTMLElement }} Row
 */
export class Rows {
  #parent
  #make
  #update
  /** @type {Map<string, Row>} */
  #rows = new Map()

  /**
   * @param {HTMLElement} parent
   * @param {(item: Item) => Row} make
   * @param {(row: Row, item: Item) => void} update
   */
  constructor(parent, make, update) {
    this.#parent = parent
    this.#make = make
    this.#update = update
  }

  /** @param {readonly Item[]} items @param {(item: Item) => string} keyOf */
  show(items, keyOf) {
    const rows = new Map(
      items.map((item) => {
        const row = this.#rows.get(keyOf(item)) ?? this.#make(item)
        this.#update(row, item)
        return /** @type {const} */ ([keyOf(item), row])
      }),
    )
    for (const [key, row] of this.#rows) if (!rows.has(key)) row.node.remove()
    let place = this.#parent.firstElementChild
    for (const { node } of rows.values()) {
      if (node === place) place = place.nextElementSibling
      else this.#parent.insertBefore(node, place)
    }
    this.#rows = rows
  }
}
