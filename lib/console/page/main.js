// Brings the parts of the page together.
import { ChangeDialog } from './change-dialog.js'
import { Changes } from './changes.js'
import { Chart } from './chart.js'
import { byId, set } from './dom.js'
import { Feed } from './feed.js'
import { Fleet } from './fleet.js'
import { Health } from './health.js'
import { KeyDialog } from './key-dialog.js'
import { Limiters } from './limiters.js'
import { Lookup } from './lookup.js'
import { Model } from './model.js'
import { Now } from './now.js'
import { Offenders } from './offenders.js'
import { Overrides } from './overrides.js'
import { StatusLine } from './status.js'

const model = new Model()
const feed = new Feed(
  (state, isStream) => {
    model.replace(state, isStream)
    showAll()
  },
  (tick) => {
    model.tick(tick)
    showMoving()
  },
  (status) => statusLine.show(status),
)
const refresh = () => {
  feed.refresh()
}

const statusLine = new StatusLine(refresh)
const chart = new Chart(model)
const keyDialog = new KeyDialog(
  (name) => model.state?.limiters.find((limiter) => limiter.name === name),
  refresh,
)
const changeDialog = new ChangeDialog(refresh)
/** @param {import('./api.js').Subject} subject @param {string} title */
const look = (subject, title) => keyDialog.open(subject, title)
/** @param {import('./api.js').Subject} subject @param {string} title */
const lookFromRow = async (subject, title) => {
  const error = await keyDialog.open(subject, title)
  if (error !== '') byId('announce').textContent = error
}

const lookup = new Lookup(look)
const now = new Now()
const health = new Health()
const fleet = new Fleet()
const changes = new Changes()
const overrides = new Overrides(lookFromRow)
const offenders = new Offenders(lookFromRow)
const limiters = new Limiters(
  (limiter) => changeDialog.open(limiter),
  (name) => {
    chart.choose(name)
    byId('now').scrollIntoView({ block: 'nearest' })
  },
)

/** What every tick changes. */
function showMoving() {
  const { state } = model
  if (state === null) return
  now.show(model)
  chart.show()
  limiters.show(model)
  offenders.show(model)
  health.show(state)
  fleet.show(model)
}

function showAll() {
  const { state } = model
  if (state === null) return
  lookup.show(state)
  overrides.show(state)
  changes.show(state)
  showMoving()
  set(byId('main'), { 'data-loaded': true })
}

feed.start()
