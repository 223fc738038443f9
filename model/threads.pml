/*
 * The protocol of lib/store/shared, as docs/threads.md tells it, small enough to be checked in every order of its steps.
 *
 * THREADS threads make OPS charges each, with RECORDS records for owners among them. A key's state is two words, which must be
 * equal whenever somebody looks; a charge adds 1 to both while they are below LIMIT. GROUP: a charge is for two keys in two
 * parts, all or nothing; else it is for one, under the lock of its part or, the quick way, under the latch of its line. CRASHES of
 * the threads end at any step, FAILS of the charges fail at any step in a thread that lives on. A thread that is merely slow needs no modelling: every step of the others may come before its next.
 *
 * In the end one more thread comes, looks at everything, and must find: both words equal; no more than LIMIT; every charge that
 * somebody was told of; none that nobody began; and all that came before ended, so nobody waits for ever.
 *
 * JOINED: how a thread takes its record is left out, for a quicker check of the rest.
 * BUG_...: the protocol with a mistake that the check has to find.
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

/* A ticket is a record's number, from 1 on, and above it its generation. */
#define TICKET(r) (generation[r] * 8 + (r) + 1)
#define RECORD(t) (((t) & 7) - 1)
#define GONE(r) (name[r] == 0 || ended[name[r]])
#define STALE(t) ((t) != TICKET(RECORD(t)) || GONE(RECORD(t)))
#ifdef BUG_STEAL
/* Who waits takes the lock from any other thread, as after a time-out. */
#define LOST(r) (broken[r] || GONE(r) || name[r] != me)
#else
#define LOST(r) (broken[r] || GONE(r))
#endif

byte lock[PARTS], latch[PARTS];
byte first[PARTS], second[PARTS];

byte name[RECORDS], generation[RECORDS], rescuer[RECORDS], count[RECORDS];
bool broken[RECORDS];
/* Entries of a journal: which word of which part, and its old value. */
byte place[RECORDS * 4], value[RECORDS * 4];
/* The part in which it took a latch last, from 1 on. */
byte latched[RECORDS];

#define HOLDS(x, p) (RECORD(lock[p]) == x || (latched[x] == (p) + 1 && RECORD(latch[p]) == x))
#define MINE(p) (lock[p] == TICKET(r) || latch[p] == TICKET(r))

/* By name, from 1 on; the last is the one who looks at the end. */
bool ended[THREADS + 2];
byte told, begun, crashes, fails;

/* One step, before which the thread may end, or fail. Without `true` an `else` in the action would wait for both to be impossible. */
#define STEP(action) \
  if \
  :: atomic { crashes < CRASHES && me <= THREADS -> crashes++; goto gone } \
  :: atomic { fails < FAILS && me <= THREADS && inSection -> fails++; goto failed } \
  :: atomic { true; action } \
  fi

inline note(p, word, old) {
  STEP(place[r * 4 + n] = p * 2 + word; value[r * 4 + n] = old);
  n++;
  STEP(count[r] = n)
}

/* Puts in order what record x left, unless another is at it. */
inline rescue(x) {
  acquired = false;
#ifdef BUG_RESCUE
  acquired = true; saving = x + 1;
#else
  STEP(
    holder = rescuer[x];
    if
    :: holder == 0 -> rescuer[x] = TICKET(r); acquired = true; saving = x + 1
    :: else
    fi
  );
  if
  :: !acquired && STALE(holder) ->
    STEP(
      if
      :: rescuer[x] == holder -> rescuer[x] = TICKET(r); acquired = true; saving = x + 1
      :: else
      fi
    )
  :: else
  fi;
#endif
  if
  :: !acquired ->
    /* It waits for the other, or for the other's end. */
    rescuer[x] != holder || STALE(holder)
  :: acquired && LOST(x) ->
    i = count[x];
    do
    :: i > 0 ->
      i--;
      STEP(
        holder = place[x * 4 + i];
        if
        :: HOLDS(x, holder / 2) && holder % 2 == 0 -> first[holder / 2] = value[x * 4 + i]
        :: HOLDS(x, holder / 2) && holder % 2 == 1 -> second[holder / 2] = value[x * 4 + i]
        :: else
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
        :: lock[i] != 0 && RECORD(lock[i]) == x -> lock[i] = 0
        :: else
        fi
      );
      i++
    :: else -> break
    od;
    STEP(
      if
      :: latched[x] != 0 && RECORD(latch[latched[x] - 1]) == x -> latch[latched[x] - 1] = 0
      :: else
      fi
    );
    STEP(broken[x] = false);
    STEP(rescuer[x] = 0; saving = 0)
  :: else -> STEP(rescuer[x] = 0; saving = 0)
  fi
}

/* Waits for the lock of part p. */
inline acquire(p) {
  do
  :: STEP(
      holder = lock[p];
      if
      :: holder == 0 -> lock[p] = TICKET(r)
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
    :: LOST(owner) -> rescue(owner)
    fi
  od
}

/* With the lock of part p, waits until nobody has the latch in it. */
inline settle(p) {
  do
  :: STEP(holder = latch[p]);
    if
    :: holder == 0 -> break
    :: else
    fi;
    owner = RECORD(holder);
    if
    :: latch[p] != holder
    :: LOST(owner) -> rescue(owner)
    fi
  od
}

/* Looks whether somebody has the lock of part p. */
inline look(p) {
  STEP(holder = lock[p])
}

/* Takes the latch in part p: quick if nobody has it, nor the lock of the part. */
inline enterLine(p) {
  STEP(latched[r] = p + 1);
#ifdef BUG_LOOK
  look(p);
  quick = holder == 0;
#else
  quick = true;
#endif
  if
  :: quick ->
    STEP(
      holder = latch[p];
      if
      :: holder == 0 -> latch[p] = TICKET(r)
      :: else -> quick = false
      fi
    )
  :: else
  fi;
#if !defined(BUG_LOOK) && !defined(BUG_LATCH)
  if
  :: quick ->
    look(p);
    if
    :: holder != 0 -> quick = false; STEP(latch[p] = 0)
    :: else
    fi
  :: else
  fi
#endif
}

/* Journal entries of both words of part p, then both words; the lock must be ours all the while. */
inline charge(p) {
#ifndef BUG_NOTE
  note(p, 0, first[p]);
  note(p, 1, second[p]);
#endif
  STEP(assert(MINE(p)); first[p]++);
  STEP(assert(MINE(p)); second[p]++)
}

proctype thread(byte me) {
  byte r, n, i, holder, owner, op, saving;
  bool acquired, inSection, fits, quick;

  atomic {
    /* A record that is free, or whose thread has ended: there is one by and by. */
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
  :: broken[r] -> rescue(r)
  :: else -> break
  od;
  STEP(count[r] = 0);
  if
  :: me > THREADS -> goto inspect
  :: me <= THREADS && op == OPS -> goto gone
  :: else
  fi;
  op++;
  n = 0;
  inSection = true;
  quick = false;
#ifndef GROUP
  if
  :: enterLine(0)
  :: true
  fi;
#endif
  if
  :: !quick ->
    acquire(0);
#ifdef GROUP
    acquire(1);
    settle(1);
#endif
#ifndef BUG_SETTLE
    settle(0)
#endif
  :: else
  fi;
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
#ifndef BUG_COMMIT
    STEP(count[r] = 0);
#endif
#endif
  :: else
  fi;
  if
  :: quick -> STEP(latch[0] = 0)
  :: else -> STEP(lock[0] = 0)
  fi;
#ifdef GROUP
  STEP(lock[1] = 0);
#endif
  inSection = false;
  if
  :: fits -> STEP(told++)
  :: else
  fi;
  goto next;

failed:
  /* Who fails while it rescues another lets go of that one on its way out. */
  atomic {
    if
    :: saving != 0 -> rescuer[saving - 1] = 0; saving = 0
    :: else
    fi;
    broken[r] = true;
    inSection = false
  };
  goto next;

inspect:
  acquire(0);
  settle(0);
#ifdef GROUP
  acquire(1);
  settle(1);
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
