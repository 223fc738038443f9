/** Words that send readers to a dictionary, each with one for it. */
const WORDS: Readonly<Record<string, string>> = {
  anew: 'again',
  dear: 'expensive',
  dearer: 'more expensive',
  lest: 'so that ... not',
  minds: 'a plain verb, such as watches or refuses',
  shall: 'must or will',
  tells: 'returns, says or a name of what it gives',
  whence: 'from where',
  whoever: 'a subject, such as the caller',
}

export const WIDTH = 110

const WORD = new RegExp(`\\b(?:${Object.keys(WORDS).join('|')})\\b`, 'gi')
const COMMENT = /^\s*(?:\/\/|\/\*|\*|--|#)/

/** What is wrong with the text of a file: `path:line: fault`. Prose in Markdown may be of any width. */
export function wordFaults(path: string, text: string): string[] {
  const isProse = path.endsWith('.md')
  return text.split('\n').flatMap((line, index) => {
    const at = `${path}:${index + 1}`
    const faults = [...line.matchAll(WORD)].map(([word]) => {
      return `${at}: '${word}', write ${WORDS[word.toLowerCase()]}`
    })
    if (!isProse && COMMENT.test(line) && line.length > WIDTH && !/https?:/.test(line))
      faults.push(`${at}: a comment of ${line.length} characters, more than ${WIDTH}`)
    return faults
  })
}
