import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type PageFile, readPage } from './files.js'
import { EXEMPT, TAGS } from './routes.js'

const INDEX = 'index.html'

/** Serves the page and its files. */
export function addPage(app: FastifyInstance): void {
  const files = readPage()
  const index = files.get(INDEX) as PageFile
  app.get(
    '/',
    { config: EXEMPT, schema: fileSchema('The page of the console', 'text/html') },
    (request, reply) => {
      const [path] = request.url.split('?')
      if (path.endsWith('/')) return send(request, reply, index)
      // The page names its files and the API relatively, so that it works behind a proxy that changes paths.
      return reply.redirect(`./${path.slice(path.lastIndexOf('/') + 1)}/`, 302)
    },
  )
  const params = { type: 'object', properties: { file: { type: 'string' } }, required: ['file'] }
  const schema = { ...fileSchema('A file of the page', 'text/javascript', 'text/css'), params }
  app.get<{ Params: { file: string } }>('/assets/:file', { config: EXEMPT, schema }, (request, reply) => {
    const { file: name } = request.params
    const file = name === INDEX ? undefined : files.get(name)
    return file === undefined ? reply.callNotFound() : send(request, reply, file)
  })
}

function fileSchema(summary: string, ...types: string[]) {
  const content = Object.fromEntries(types.map((type) => [type, { schema: { type: 'string' } }]))
  return { summary, tags: TAGS, response: { 200: { description: 'The file', content } } }
}

function send(request: FastifyRequest, reply: FastifyReply, { body, type, etag }: PageFile): FastifyReply {
  // Names stay when the package changes, so browsers ask each time whether the file is another one.
  reply.header('cache-control', 'private, no-cache').header('etag', etag)
  const known = request.headers['if-none-match']?.split(/\s*,\s*/) ?? []
  if (known.some((tag) => tag === '*' || tag.replace(/^W\//, '') === etag)) return reply.code(304).send()
  return reply.type(type).send(body)
}
