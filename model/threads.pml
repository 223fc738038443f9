/*
 * The protocol of lib/store/shared/locking, as docs/threads.md explains it, small enough to check in every
 * order of its steps.
 *
 * THREADS threads make OPS charges each, with RECORDS owner records among them. The state of a key is two
 * words, which must be equal whenever somebody looks. A charge adds 1 to both while they are below LIMIT.
 * GROUP: a charge is for two keys in two parts, all or nothing; else it is for one key. CRASHES of the
 * threads end at any step. FAILS of the charges fail at any step in a thread that lives on. A slow thread
 * needs no model: every step of the others may come before its next step.
 *
 * At the end one more thread comes, looks at everything, and must find: both words equal; at most LIMIT;
 * every charge that somebody was told of; no charge that nobody began. All threads before it must have ended,
 * so nobody waits for ever.
 *
 * JOINED leaves out how a thread takes its record, so that the rest is checked faster. BUG_...: the protocol
 * with a mistake that the check has to find.
 */
#ifndef THREADS
#define THREADS 2
#endif
#ifndef OPS
#define OPS 1
#endif
#ifndef RECORDS
#define RECORDS THREADS
#endif
#ifndef LIMIT
#define LIMIT 2
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef FAILS
#define FAILS 0
#endif
#ifdef GROUP
#define PARTS 2
#else
#define PARTS 1
#endif

/* An owner id is a record's number, from 1 on, and above it the record's generation. */
#define OWNER_ID(r) (generation[r] * 8 + (r) + 1)
#define RECORD(t) (((t) & 7) - 1)
#define GONE(r) (name[r] == 0 || ended[name[r]])
#define STALE(t) ((t) != OWNER_ID(RECORD(t)) || GONE(RECORD(t)))
#ifdef BUG_STEAL
/* A thread that waits takes the lock from any other thread, as after a time-out. */
#define LOST(r) (broken[r] || GONE(r) || name[r] != me)
#else
#define LOST(r) (broken[r] || GONE(r))
#endif

byte lock[PARTS];
byte first[PARTS], second[PARTS];

byte name[RECORDS], generation[RECORDS], recoverer[RECORDS], count[RECORDS];
bool broken[RECORDS];
/* Entries of a journal: which word of which part, and its old value. */
byte place[RECORDS * 4], value[RECORDS * 4];

#define HOLDS(x, p) (lock[p] != 0 && RECORD(lock[p]) == x)
#define MINE(p) (lock[p] == OWNER_ID(r))

/* By the name of the thread, from 1 on; the last thread looks at everything at the end. */
bool ended[THREADS + 2];
byte told, begun, crashes, fails;

/*
 * One step. The thread may end or fail before it. Without `true`, an `else` in the action would wait until
 * both are impossible.
 */
#define STEP(action) \
  if \
  :: atomic { crashes < CRASHES && me <= THREADS -> crashes++; goto gone } \
  :: atomic { fails < FAILS && me <= THREADS && inSection -> fails++; goto failed } \
  :: atomic { true; action } \
  fi

inline save(p, word, old) {
  STEP(place[r * 4 + n] = p * 2 + word; value[r * 4 + n] = old);
  n++;
  STEP(count[r] = n)
}

/* Recovers the owner of record x, unless another thread does. */
inline recover(x) {
  acquired = false;
#ifdef BUG_RECOVER
  acquired = true; saving = x + 1;
#else
  STEP(
    holder = recoverer[x];
    if
    :: holder == 0 -> recoverer[x] = OWNER_ID(r); acquired = true; saving = x + 1
    :: else
    fi
  );
  if
  :: !acquired && STALE(holder) ->
    STEP(
      if
      :: recoverer[x] == holder -> recoverer[x] = OWNER_ID(r); acquired = true; saving = x + 1
      :: else
      fi
    )
  :: else
  fi;
#endif
  if
  :: !acquired ->
    /* It waits for the other thread, or for the end of that thread. */
    recoverer[x] != holder || STALE(holder)
#ifdef BUG_LOOK
  :: acquired ->
#else
  :: acquired && LOST(x) ->
#endif
    i = count[x];
    do
    :: i > 0 ->
      i--;
      STEP(
        holder = place[x * 4 + i];
        assert(HOLDS(x, holder / 2));
        if
        :: holder % 2 == 0 -> first[holder / 2] = value[x * 4 + i]
        :: else -> second[holder / 2] = value[x * 4 + i]
        fi
      )
    :: else -> break
    od;
    STEP(count[x] = 0);
    i = 0;
    do
    :: i < PARTS ->
      STEP(
        if
        :: HOLDS(x, i) -> lock[i] = 0
        :: else
        fi
      );
      i++
    :: else -> break
    od;
    STEP(broken[x] = false);
    STEP(recoverer[x] = 0; saving = 0)
#ifndef BUG_LOOK
  :: else -> STEP(recoverer[x] = 0; saving = 0)
#endif
  fi
}

/* Waits for the lock of part p. */
inline acquire(p) {
  do
  :: STEP(
      holder = lock[p];
      if
      :: holder == 0 -> lock[p] = OWNER_ID(r)
      :: else
      fi
    );
    if
    :: holder == 0 -> break
    :: else
    fi;
    owner = RECORD(holder);
    if
    :: lock[p] != holder
    :: LOST(owner) -> recover(owner)
    fi
  od
}

/* Saves both words of part p in the journal, then writes both. The lock must be ours all the while. */
inline charge(p) {
#ifndef BUG_NOTE
  save(p, 0, first[p]);
  save(p, 1, second[p]);
#endif
  STEP(assert(MINE(p)); first[p]++);
  STEP(assert(MINE(p)); second[p]++)
}

proctype thread(byte me) {
  byte r, n, i, holder, owner, op, saving;
  bool acquired, inSection, fits;

  atomic {
    /* A record that is free, or whose thread has ended: sooner or later there is one. */
    (name[0] == 0 || ended[name[0]]
#if RECORDS > 1
      || name[1] == 0 || ended[name[1]]
#endif
#if RECORDS > 2
      || name[2] == 0 || ended[name[2]]
#endif
    );
    r = 0;
#ifdef JOINED
    r = (me <= THREADS -> me - 1 : 0);
#endif
    do
    :: name[r] == 0 || ended[name[r]] -> break
    :: else -> r++
    od;
    name[r] = me
  }
#ifdef JOINED
  atomic { generation[r]++; broken[r] = me > THREADS };
#else
#ifndef BUG_GENERATION
  STEP(generation[r]++);
#endif
  STEP(broken[r] = true);
#endif

next:
  inSection = false;
  do
  :: broken[r] -> recover(r)
  :: else -> break
  od;
  if
  :: me > THREADS -> goto inspect
  :: me <= THREADS && op == OPS -> goto gone
  :: else
  fi;
  op++;
  n = 0;
  inSection = true;
#if defined(GROUP) && defined(BUG_ORDER)
  if
  :: me % 2 == 0 -> acquire(1); acquire(0)
  :: else -> acquire(0); acquire(1)
  fi;
#else
  acquire(0);
#ifdef GROUP
  acquire(1);
#endif
#endif
#ifdef GROUP
  assert(first[1] == second[1] && first[0] == first[1]);
#endif
  assert(first[0] == second[0]);
  fits = first[0] < LIMIT;
  if
  :: fits ->
    atomic { begun++ };
    charge(0);
#ifdef GROUP
    charge(1);
#endif
#ifndef BUG_COMMIT
    STEP(count[r] = 0)
#endif
  :: else
  fi;
  STEP(lock[0] = 0);
#ifdef GROUP
  STEP(lock[1] = 0);
#endif
#ifdef BUG_COMMIT
  STEP(count[r] = 0);
#endif
  inSection = false;
  if
  :: fits -> STEP(told++)
  :: else
  fi;
  goto next;

failed:
  /* A thread that fails while it recovers another lets go of that one on its way out. */
  atomic {
    if
    :: saving != 0 -> recoverer[saving - 1] = 0; saving = 0
    :: else
    fi;
    broken[r] = true;
    inSection = false
  };
  goto next;

inspect:
  acquire(0);
#ifdef GROUP
  acquire(1);
  assert(first[1] == second[1] && first[0] == first[1]);
#endif
  assert(first[0] == second[0]);
  assert(first[0] <= LIMIT);
  assert(told <= first[0] && first[0] <= begun);

gone:
  ended[me] = true
}

init {
  byte i;
  atomic {
    i = 1;
    do
    :: i <= THREADS -> run thread(i); i++
    :: else -> break
    od
  };
  i = 1;
  do
  :: i <= THREADS -> ended[i]; i++
  :: else -> break
  od;
  run thread(THREADS + 1)
}
