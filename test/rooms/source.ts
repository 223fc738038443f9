// Reads the imports of a TypeScript source from its tokens, without a compiler. Comments and strings do not
// count.

export interface Import {
  /** `null` where the name of the module is computed, and so unknown. */
  readonly specifier: string | null
  readonly line: number
}

interface Token {
  readonly kind: 'word' | 'string' | 'mark'
  /** The content, for a string. */
  readonly text: string
  readonly line: number
}

const BLANK = /\s+|\/\/.*|\/\*[\s\S]*?\*\//y
const REFERENCE = /\/\/\/\s*<reference\s+(?:path|types)\s*=\s*["']([^"']*)["']/y
const WORD = /[\p{ID_Start}$_#][\p{ID_Continue}$]*/uy
const NUMBER = /\d[\w.]*/y
const STRING = /'((?:\\[\s\S]|[^'\\\n])*)'|"((?:\\[\s\S]|[^"\\\n])*)"/y
const REGEX = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/\w*/y
const TEMPLATE = /[`}]((?:\\[\s\S]|\$(?!\{)|[^`\\$])*)(`|\$\{)/y

/**
 * After these, a slash begins a regular expression. After other words, a number or a closing bracket it
 * divides.
 */
const BEFORE_REGEX = /^(?:[^\w)\]}'"$]|return|typeof|case|in|of|do|else|void|delete|throw|new|await|yield)$/

/** The tokens of a source. A template with expressions becomes the tokens of the expressions, in brackets. */
export function tokensOf(source: string): readonly Token[] {
  return new Reader(source).tokens
}

class Reader {
  readonly tokens: Token[] = []
  readonly #source: string
  #at = 0
  #line = 1
  /** The number of open braces in each template expression that the reader is in. */
  readonly #templates: number[] = []

  constructor(source: string) {
    this.#source = source
    while (this.#at < source.length) {
      const start = this.#at
      const known = this.#blank() || this.#template() || this.#word() || this.#regex()
      if (!known) this.#mark(source[this.#at++])
      this.#line += source.slice(start, this.#at).split('\n').length - 1
    }
  }

  #blank(): boolean {
    const reference = this.#next(REFERENCE)
    if (reference === null) return this.#next(BLANK) !== null
    this.#add('word', 'import')
    this.#add('string', reference[1])
    return true
  }

  #template(): boolean {
    const resumes = this.#source[this.#at] === '}' && this.#templates.at(-1) === 0
    if (this.#source[this.#at] !== '`' && !resumes) return false
    const [all, text, end] = this.#next(TEMPLATE) ?? ['', '', '']
    if (all === '') throw new Error(`line ${this.#line}: a template that does not end`)
    if (resumes) this.#templates.pop()
    if (end !== '`') this.#templates.push(0)
    if (end === '`' && !resumes) this.#add('string', text)
    else this.#add('mark', end === '`' ? ')' : '(')
    return true
  }

  #word(): boolean {
    const string = this.#next(STRING)
    if (string !== null) return this.#add('string', string[1] ?? string[2])
    const word = this.#next(WORD)
    if (word !== null) return this.#add('word', word[0])
    return this.#next(NUMBER) !== null && this.#add('mark', '0')
  }

  #regex(): boolean {
    if (this.#source[this.#at] !== '/') return false
    const before = this.tokens.at(-1)
    const begins = before === undefined || (before.kind !== 'string' && BEFORE_REGEX.test(before.text))
    return begins && this.#next(REGEX) !== null && this.#add('mark', ')')
  }

  #mark(text: string): void {
    this.#add('mark', text)
    const last = this.#templates.length - 1
    if (last >= 0 && text === '{') this.#templates[last]++
    if (last >= 0 && text === '}') this.#templates[last]--
  }

  #next(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at
    const match = pattern.exec(this.#source)
    if (match !== null) this.#at = pattern.lastIndex
    return match
  }

  #add(kind: Token['kind'], text: string): true {
    this.tokens.push({ kind, text, line: this.#line })
    return true
  }
}

/**
 * Every module that a source names: static and side-effect imports, exports from, dynamic imports, types of
 * `import()`, `require()`, and `declare module`.
 */
export function importsOf(source: string): Import[] {
  const tokens = tokensOf(source)
  const imports: Import[] = []
  tokens.forEach(({ kind, text, line }, i) => {
    if (kind !== 'word' || tokens[i - 1]?.text === '.') return
    const [after, argument, end] = tokens.slice(i + 1, i + 4)
    const declares = text === 'module' && tokens[i - 1]?.text === 'declare'
    if ((text === 'from' || text === 'import' || declares) && after?.kind === 'string') {
      imports.push({ specifier: after.text, line })
    } else if ((text === 'import' || text === 'require') && after?.kind === 'mark' && after.text === '(') {
      const isPlain = argument?.kind === 'string' && (end?.text === ')' || end?.text === ',')
      imports.push({ specifier: isPlain ? argument.text : null, line })
    }
  })
  return imports
}

/** Whether a source consists of `export … from '…'` alone. */
export function exportsOnly(source: string): boolean {
  const text = tokensOf(source).map(({ kind, text }) => (kind === 'string' ? "'" : text))
  return /^(?:export (?:type )?(?:\* (?:as \S+ )?|\{ [^}]*\} )from ' (?:; )?)+$/.test(`${text.join(' ')} `)
}
