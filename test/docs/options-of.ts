import { readFileSync } from 'node:fs'
import { ROOT } from '../fixtures/snippets.js'

/** The names of the options that an interface declares. */
export function optionsOf(file: string, name: string): string[] {
  const source = readFileSync(new URL(file, ROOT), 'utf8')
  const [, body] = source.match(
    new RegExp(`interface ${name} (?:extends [^{]*)?\\{([\\s\\S]*?)\\n\\}`),
  ) as string[]
  return [...body.matchAll(/^ {2}(\w+)\??:/gm)].map(([, name]) => name)
}
