/** Words that send readers to a dictionary, each with the word to write. */
const WORDS: Readonly<Record<string, string>> = {
  anew: 'again',
  dear: 'expensive',
  dearer: 'more expensive',
  dearest: 'most expensive',
  learns: 'reads, takes over or finds out',
  lest: 'so that ... not',
  minds: 'a plain verb, such as watches or refuses',
  shall: 'must or will',
  tells: 'returns, says or a name of what it gives',
  thence: 'from there',
  whence: 'from where',
  whoever: 'a subject, such as the caller',
  whomever: 'an object, such as the caller',
}

/** Names that had several meanings, each with the name that has one. */
const NAMES: Readonly<Record<string, string>> = {
  askApart: 'decideAcrossShards',
  Courier: 'Dispatcher',
  Denials: 'DenyCache',
  historian: 'history-worker',
  leftAlone: 'circuitOpen',
  Shelf: 'a plain callback',
  Unanswered: 'NoReply',
}

export const WIDTH = 110

const WORD = new RegExp(`\\b(?:${Object.keys(WORDS).join('|')})\\b`, 'gi')
const NAME = new RegExp(`\\b(?:${Object.keys(NAMES).join('|')})\\b`, 'g')
const COMMENT = /^\s*(?:\/\/|\/\*|\*|--|#)/
/** A comment that asks, such as "Is it full?". "Whether it is full" is the form to write. */
const QUESTION =
  /^\s*(?:\/\/|\/\*\*?|\*|--) (?:Is|Are|Was|Were|May|Must|Do|Does|Did|Has|Have|Can|Will) [^.]*\?/

/** A sentence of prose about "who does it", such as "Who asks waits." A label, "Who waits: all", is none. */
const HEADLESS = /(?:^(?:\W|\d+\.)*|[.;] )Who [^.:?|]*\.(?: |$)/

/** What is wrong with the text of a file: `path:line: fault`. Prose in Markdown may be of any width. */
export function wordFaults(path: string, text: string): string[] {
  const isProse = path.endsWith('.md')
  return text.split('\n').flatMap((line, index) => {
    const at = `${path}:${index + 1}`
    const faults = [...line.matchAll(WORD)].map(([word]) => {
      return `${at}: '${word}', write ${WORDS[word.toLowerCase()]}`
    })
    for (const [name] of line.matchAll(NAME)) faults.push(`${at}: '${name}', write ${NAMES[name]}`)
    if (isProse && HEADLESS.test(line)) faults.push(`${at}: no subject, write 'A client that ...'`)
    if (!isProse && QUESTION.test(line)) faults.push(`${at}: a question, write 'Whether ...'`)
    if (!isProse && COMMENT.test(line) && line.length > WIDTH && !/https?:/.test(line))
      faults.push(`${at}: a comment of ${line.length} characters, more than ${WIDTH}`)
    return faults
  })
}
