/** The values of a scrape by series, such as `floodgate_store_up`; those of one metric, if it is named. */
export async function seriesOf(
  registry: { metrics(): Promise<string> },
  metric = '',
): Promise<Map<string, number>> {
  return parseSeries(await registry.metrics(), metric)
}

/** The values of the Prometheus text format by series, labels in their order. */
export function parseSeries(text: string, metric = ''): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  const series = lines.map((line): [string, number] => {
    const end = line.lastIndexOf(' ')
    return [line.slice(0, end), Number(line.slice(end + 1))]
  })
  return new Map(series.filter(([name]) => name.startsWith(metric)))
}
