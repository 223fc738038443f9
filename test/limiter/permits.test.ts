import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type Test, test } from 'tap'
import { Permits } from '../../lib/limiter/index.js'
import type { Permit } from '../../lib/limiter/permits.js'
import { memoryStore } from '../../lib/store/index.js'
import type { Charge, PolicyOptions, Store } from '../../types/index.js'
import { lateStore } from '../fixtures/late-store.js'
import { ManualClock } from '../fixtures/manual-clock.js'
import { ManualTimers } from '../fixtures/manual-timers.js'
import { chargeTo } from '../fixtures/store-contract/setting.js'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const progress = (limit: number, hold: number): PolicyOptions => ({ algorithm: 'concurrency', limit, hold })

function setup(store?: (clock: ManualClock) => Store) {
  const clock = new ManualClock()
  const timers = new ManualTimers(clock)
  const over = store === undefined ? memoryStore({ clock }) : store(clock)
  const permits = new Permits(over, timers.after)
  /** Takes, and opens a permit if it may. */
  const begin = async (charge: Charge, cost = 1) => {
    const own = { ...charge, cost }
    return (await over.take([own])) ? permits.open([own]) : null
  }
  const remaining = async (charge: Charge) => {
    const seen = { ...charge, cost: 0 }
    await over.peek([seen])
    return seen.remaining
  }
  return { clock, timers, store: over, permits, begin, remaining }
}

/** A store over a network whose replies a test lets come. */
function setupLate() {
  const late: ReturnType<typeof lateStore>[] = []
  const own = setup((clock) => {
    late.push(lateStore(clock))
    return late[0].store
  })
  return { ...own, late: late[0] }
}

test('there is no permit for what is not in progress', async (t) => {
  const { store, permits } = setup()
  const bucket = chargeTo(store, { rate: 5 })
  const held = chargeTo(store, progress(1, MINUTE))
  t.equal(permits.open([bucket]), null)
  t.equal(permits.open([bucket, { ...held, cost: 0 }]), null)
  t.equal(permits.open([bucket, { ...held, source: 'none' }]), null, 'nothing was counted')
  t.match(permits.open([bucket, held])?.charges, [{ bucket: held.bucket }])
})

test('a permit is released once', async (t) => {
  const { clock, store, begin, remaining } = setup()
  const charge = chargeTo(store, progress(2, MINUTE))
  const permit = (await begin(charge)) as Permit
  await begin(charge)
  t.equal(permit.release(), undefined)
  t.equal(permit.release(), undefined)
  t.equal(await remaining(charge), 1)
  clock.advance(MINUTE)
  t.equal(await remaining(charge), 2)
})

test('permits of different holds share a timer, and each is renewed in time', async (t) => {
  const { timers, store, begin, remaining } = setup()
  const holds = [HOUR, MINUTE, 10 * MINUTE, 40 * DAY, 1000]
  const charges = holds.map((hold) => chargeTo(store, progress(1, hold)))
  const permits: Permit[] = []
  for (const charge of charges) {
    permits.push((await begin(charge)) as Permit)
    t.equal(timers.armed, 1)
    await timers.advance(7000)
  }
  await timers.advance(3 * HOUR)
  for (const [i, charge] of charges.entries()) t.equal(await remaining(charge), 0, `${holds[i]} ms`)
  for (const permit of permits) permit.release()
  for (const charge of charges) t.equal(await remaining(charge), 1)
})

test('a hold of months renews, though a timer cannot be so long', async (t) => {
  const lengths: number[] = []
  const { store, clock } = setup()
  const permits = new Permits(store, (ms) => {
    lengths.push(ms)
    return () => {}
  })
  const charge = chargeTo(store, progress(1, 366 * DAY))
  await store.take([charge])
  permits.open([charge])
  clock.advance(DAY)
  t.same(lengths, [DAY])
})

test('after close nothing is renewed', async (t) => {
  const { timers, store, permits, begin, remaining } = setup()
  const charge = chargeTo(store, progress(1, MINUTE))
  await begin(charge)
  permits.close()
  permits.close()
  t.equal(timers.armed, 0)
  await timers.advance(MINUTE)
  t.equal(await remaining(charge), 1)
})

test('a permit that is released while a renewal is on its way gives back the new unit', async (t) => {
  const { timers, late, store, begin, remaining, permits } = setupLate()
  const charge = chargeTo(store, progress(1, MINUTE))
  const permit = (await begin(charge)) as Permit
  late.hold()
  await timers.advance(MINUTE / 2)
  const released = permit.release()
  t.type(released, Promise)
  late.reply()
  await released
  t.equal(await remaining(charge), 1)
  t.equal(permits.lost, 0)
})

test('a renewal that is not answered is tried again, and a permit is not renewed twice at once', async (t) => {
  const { timers, late, store, begin, remaining, permits } = setupLate()
  const charge = chargeTo(store, progress(1, MINUTE))
  const permit = (await begin(charge)) as Permit
  late.hold()
  await timers.advance(MINUTE / 2)
  await timers.advance(MINUTE / 4)
  late.fail()
  await timers.advance(MINUTE / 4 - 1)
  t.equal(await remaining(charge), 0)
  await timers.advance(5 * MINUTE)
  t.equal(await remaining(charge), 0)
  await permit.release()
  t.equal(await remaining(charge), 1)
  t.equal(permits.lost, 0)
})

test('a release that the store does not answer is no error', async (t) => {
  const { late, store, begin } = setupLate()
  const permit = (await begin(chargeTo(store, progress(1, MINUTE)))) as Permit
  late.hold()
  const released = permit.release()
  late.fail()
  await t.resolves(released as Promise<void>)
})

/** What happens next: time passes, then work begins or ends. */
const event = fc.record({
  advance: fc.constantFrom(0, 1, 10_000, MINUTE / 4, MINUTE / 2, MINUTE, 3 * MINUTE),
  begins: fc.boolean(),
  cost: fc.integer({ min: 1, max: 3 }),
  which: fc.nat(),
})

for (const [name, over] of [
  ['at once', undefined],
  ['over a network', (clock: ManualClock) => lateStore(clock).store],
] as const) {
  test(`${name}: never more is in progress than the limit, and no unit is lost, however long work takes`, (t: Test) =>
    fc
      .assert(
        fc.asyncProperty(fc.array(event, { minLength: 1, maxLength: 40, size: 'max' }), async (events) => {
          const { timers, store, permits, begin, remaining } = setup(over)
          const charge = chargeTo(store, progress(5, MINUTE))
          const running: { permit: Permit; cost: number }[] = []
          const out = () => running.reduce((units, { cost }) => units + cost, 0)
          for (const { advance, begins, cost, which } of events) {
            await timers.advance(advance)
            if (begins) {
              const permit = await begin(charge, cost)
              assert.equal(permit !== null, out() + cost <= 5)
              if (permit !== null) running.push({ permit, cost })
            } else {
              const [ended] = running.splice(which % (running.length || 1), 1)
              await ended?.permit.release()
            }
            assert.equal(await remaining(charge), 5 - out())
          }
          assert.equal(permits.lost, 0)
        }),
        { numRuns: 40 },
      )
      .then(() => t.pass()))
}
