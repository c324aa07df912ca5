/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state machine of IPC: three threads that do whatever a program may do, two endpoints, reply objects, a
 * notification, deadlines, break-off, kill and revocation. docs/model.md relates it to the kernel, state for state.
 *
 * One process makes every step. A step is atomic, as a system call is in the kernel (it runs with interrupts off), and
 * any thread that runs may make any step with any arguments: no program can do more. After each step the invariants at
 * the end of this file must hold. What begins with "ghost" is not in the kernel: it tells what should be.
 *
 * -DFAULT=n plants a fault that spin must find; tests/model/model_test.py lists them.
 */
#ifndef FAULT
#define FAULT 0
#endif
#ifndef KILLS
#define KILLS 1 /* a walk at random goes on for longer where nobody dies */
#endif
#define PARTNER_NOT_COMPARED 1  /* an answer goes to the last caller, whomever it waits for now */
#define ANSWERED_TWICE 2        /* the partner is not cleared by an answer */
#define DROP_NOT_TOLD 3         /* the caller in a dropped reply object is forgotten */
#define DEATH_NOT_TOLD 4        /* the caller of a thread that dies is forgotten */
#define REVOKE_NOT_TOLD 5       /* queued senders stay where nobody may receive */
#define TIMEOUT_LEAVES_QUEUED 6 /* who gives up stays on the queue */
#define TIMER_LEFT_ARMED 7      /* the end of a wait does not disarm its deadline */
#define SIGNAL_OVERWRITES 8     /* a signal replaces the bits that are there */
#define PENDING_NOT_LOOKED_AT 9 /* a thread waits though its notification has bits */
#define CYCLE_NOT_SEEN 10       /* a call may close a cycle of waiting */
#define CALLER_OVERWRITTEN 11   /* a receive forgets an unanswered caller */
#define STALE_REPLY_OBJECT 12   /* the bond of caller and reply object outlives the wait */
#define NOTIFIED_STAYS_QUEUED 13 /* a signal leaves the thread on its endpoint's queue */
#define KEEP_OVERWRITES 14      /* a reply object takes a caller though it holds one */

mtype = {abandoned, dead}; /* errors that end a wait */

#define THREADS 3
#define ENDPOINTS 2
#ifndef REPLIES
#define REPLIES 1
#endif
#define BOUND 2     /* the thread to which the notification is bound */
#define LIMITED 0   /* the thread that sets deadlines: others behave alike */
#define REVOCABLE 1 /* the endpoint whose right to receive comes and goes: the other one behaves alike */
#define NONE 7
#define OBJECT(r) (THREADS + (r)) /* a reply object, as a partner */

#define RUN 0       /* running or ready */
#define SENDING 1   /* queued: nobody received its message yet */
#define ANSWER 2    /* its message was received; it waits for the answer */
#define RECEIVING 3 /* waits for a message, or the notification */
#define DEAD 4

#define MESSAGE_SEND 0
#define MESSAGE_CALL 1

byte state[THREADS];
byte place[THREADS];   /* SENDING, RECEIVING: the endpoint */
bit calls[THREADS];    /* SENDING: is it a call? */
byte partner[THREADS]; /* ANSWER: who may answer it: a thread, or a reply object */
byte caller[THREADS];  /* last caller received; it counts while its partner is this thread */
bit armed[THREADS];    /* a deadline is set on the timer */
chan senders[ENDPOINTS] = [THREADS] of {byte};
chan receivers[ENDPOINTS] = [THREADS] of {byte};
byte server[ENDPOINTS]; /* who received there last, if it did not go on to another endpoint */
bit shared[ENDPOINTS];  /* several threads have received there: nobody knows which of them will */
bit right[ENDPOINTS];   /* may anybody receive there? */
byte kept[REPLIES];     /* caller in the reply object */
byte holder[REPLIES];   /* who has the capability to it */
byte word;              /* bits of the notification */
bit closed;             /* BOUND, if it receives, takes no signals */

bit ghost_link[THREADS];  /* caller[t]'s call is still the one that t received */
bit ghost_kept[REPLIES];  /* kept[r]'s call is still the one that was kept */
bit ghost_limit[THREADS]; /* this wait has a deadline */
byte ghost_word;          /* bits signalled and not handed over yet */

/* For one step only, zero between steps. */
byte t, u, e, r, c, x, i;
byte call, poll, wants, found;

#define IS_WAITING(thread) (state[thread] == SENDING || state[thread] == ANSWER || state[thread] == RECEIVING)
#if FAULT == PARTNER_NOT_COMPARED
#define MAY_ANSWER(thread) (caller[thread] != NONE && state[caller[thread]] == ANSWER)
#else
#define MAY_ANSWER(thread) (caller[thread] != NONE && partner[caller[thread]] == (thread))
#endif
#define SERVER(endpoint) (shared[endpoint] -> NONE : server[endpoint])

/* ---- Waiting ----------------------------------------------------------------------------------------------------- */

/* Sets the deadline of a phase that begins. */
inline limit(thread)
{
    armed[thread] = wants;
    ghost_limit[thread] = wants;
}

inline unlimit(thread)
{
    ghost_limit[thread] = 0;
    if
    :: FAULT != TIMER_LEFT_ARMED -> armed[thread] = 0
    :: else
    fi
}

/* The call of `thread` is over: what refers to it is out of date. */
inline end_call(thread)
{
    if
    :: partner[thread] >= THREADS && partner[thread] != NONE && FAULT != STALE_REPLY_OBJECT ->
        kept[partner[thread] - THREADS] = NONE;
        ghost_kept[partner[thread] - THREADS] = 0;
        holder[partner[thread] - THREADS] = 0
    :: else
    fi;
    if
    :: FAULT != ANSWERED_TWICE -> partner[thread] = NONE
    :: else
    fi;
    for (i : 0 .. THREADS - 1) {
        if
        :: caller[i] == thread -> ghost_link[i] = 0
        :: else
        fi
    }
    for (i : 0 .. REPLIES - 1) {
        if
        :: kept[i] == thread -> ghost_kept[i] = 0
        :: else
        fi
    }
}

/* `thread` waits no longer; it is on no queue. Each waiter is woken once. */
inline wake(thread)
{
    assert(IS_WAITING(thread));
    if
    :: state[thread] == ANSWER -> end_call(thread)
    :: else
    fi;
    unlimit(thread);
    calls[thread] = 0;
    place[thread] = 0;
    if
    :: thread == BOUND -> closed = 0
    :: else
    fi;
    state[thread] = RUN
}

inline leave_queue(thread)
{
    if
    :: state[thread] == SENDING -> senders[place[thread]]??eval(thread)
    :: state[thread] == RECEIVING -> receivers[place[thread]]??eval(thread)
    :: else
    fi
}

/* The wait of `thread` ends with an error. */
inline fail(thread, error)
{
    leave_queue(thread);
    wake(thread);
    printf("EVENT fail thread=%d error=%e\n", thread, error)
}

/* ---- Messages ---------------------------------------------------------------------------------------------------- */

/* `t` receives on `e` from now on, and on no other endpoint. */
inline note_server()
{
    for (i : 0 .. ENDPOINTS - 1) {
        if
        :: i != e && server[i] == t -> server[i] = NONE
        :: else
        fi
    }
    if
    :: server[e] != NONE && server[e] != t -> shared[e] = 1
    :: else
    fi;
    server[e] = t
}

/* A message of `from` (which runs or is queued) reaches `to` (which runs or waits). */
inline deliver(from, to, endpoint, operation)
{
    printf("EVENT deliver thread=%d to=%d endpoint=%d operation=%d limit=%d\n", from, to, endpoint, operation,
        wants && operation == MESSAGE_CALL);
    if
    :: operation == MESSAGE_CALL ->
        unlimit(from);
        state[from] = ANSWER;
        place[from] = 0;
        calls[from] = 0;
        limit(from);
        partner[from] = to;
        caller[to] = from;
        ghost_link[to] = 1
    :: operation == MESSAGE_SEND && state[from] == SENDING -> wake(from)
    :: else
    fi;
    if
    :: state[to] == RECEIVING -> wake(to)
    :: else
    fi
}

/* found := would `t` wait for itself if it queued on `e`? */
inline find_cycle()
{
    x = SERVER(e);
    do
    :: x == NONE || x >= THREADS -> found = 0; break
    :: x < THREADS && x == t -> found = 1; break
    :: x < THREADS && x != t && state[x] == SENDING -> x = SERVER(place[x])
    :: x < THREADS && x != t && state[x] == ANSWER -> x = partner[x]
    :: x < THREADS && x != t && state[x] != SENDING && state[x] != ANSWER -> found = 0; break
    od
}

inline send()
{
    if
    :: nempty(receivers[e]) ->
        receivers[e]?u;
        deliver(t, u, e, call)
    :: empty(receivers[e]) && (!right[e] || poll) -> skip /* dead, would_block */
    :: empty(receivers[e]) && right[e] && !poll ->
        find_cycle();
        if
        :: found && FAULT != CYCLE_NOT_SEEN -> printf("EVENT refuse thread=%d endpoint=%d error=deadlock\n", t, e)
        :: else ->
            printf("EVENT send thread=%d endpoint=%d operation=%d limit=%d\n", t, e, call, wants);
            state[t] = SENDING;
            place[t] = e;
            calls[t] = call;
            limit(t);
            senders[e]!t
        fi
    fi
}

inline take_notification()
{
    printf("EVENT notify thread=%d bits=%d\n", t, word);
    assert(word == ghost_word);
    word = 0;
    ghost_word = 0
}

/* found: a closed wait, which takes no signals. */
inline receive()
{
    if
    :: MAY_ANSWER(t) && FAULT != CALLER_OVERWRITTEN -> c = caller[t]; fail(c, abandoned)
    :: else
    fi;
    if
    :: t == BOUND && word != 0 && !found && FAULT != PENDING_NOT_LOOKED_AT -> take_notification()
    :: else ->
        if
        :: nempty(senders[e]) ->
            senders[e]?u;
            x = calls[u];
            note_server();
            deliver(u, t, e, x)
        :: empty(senders[e]) && !poll ->
            printf("EVENT receive thread=%d endpoint=%d limit=%d closed=%d\n", t, e, wants, t == BOUND && found);
            state[t] = RECEIVING;
            place[t] = e;
            note_server();
            limit(t);
            if
            :: t == BOUND -> closed = found
            :: else
            fi;
            receivers[e]!t
        :: empty(senders[e]) && poll -> skip /* would_block */
        fi
    fi
}

inline reply()
{
    c = caller[t];
    printf("EVENT reply thread=%d to=%d\n", t, c);
    assert(ghost_link[t]);
    wake(c)
}

/* ---- Reply objects ----------------------------------------------------------------------------------------------- */

inline keep()
{
    c = caller[t];
    printf("EVENT keep thread=%d caller=%d object=%d\n", t, c, r);
    kept[r] = c;
    ghost_kept[r] = 1;
    holder[r] = t;
    partner[c] = OBJECT(r);
    ghost_link[t] = 0
}

inline empty_object(object)
{
    kept[object] = NONE;
    ghost_kept[object] = 0;
    holder[object] = 0
}

inline answer_kept()
{
    c = kept[r];
    if
    :: kept[r] != NONE ->
        printf("EVENT answer thread=%d to=%d object=%d\n", t, c, r);
        assert(ghost_kept[r]);
        wake(c)
    :: else -> printf("EVENT drop object=%d\n", r) /* no_caller */
    fi;
    empty_object(r)
}

inline drop(object)
{
    c = kept[object];
    printf("EVENT drop object=%d\n", object);
    if
    :: kept[object] != NONE && FAULT != DROP_NOT_TOLD -> fail(c, abandoned)
    :: else
    fi;
    empty_object(object)
}

/* ---- Notification ------------------------------------------------------------------------------------------------ */

/* x: the bits. */
inline signal()
{
    printf("EVENT signal bits=%d bound=%d\n", x, BOUND);
    ghost_word = ghost_word | x;
    if
    :: FAULT == SIGNAL_OVERWRITES -> word = x
    :: else -> word = word | x
    fi;
    if
    :: state[BOUND] == RECEIVING && !closed ->
        if
        :: FAULT != NOTIFIED_STAYS_QUEUED -> leave_queue(BOUND)
        :: else
        fi;
        wake(BOUND);
        u = t;
        t = BOUND;
        take_notification();
        t = u
    :: else
    fi
}

/* ---- From outside ------------------------------------------------------------------------------------------------ */

inline kill()
{
    printf("EVENT kill thread=%d\n", t);
    leave_queue(t);
    if
    :: IS_WAITING(t) -> wake(t)
    :: else
    fi;
    state[t] = DEAD;
    u = caller[t];
    found = MAY_ANSWER(t);
    caller[t] = NONE;
    for (x : 0 .. ENDPOINTS - 1) {
        if
        :: server[x] == t -> server[x] = NONE
        :: else
        fi
    }
    if
    :: found && FAULT != DEATH_NOT_TOLD -> fail(u, dead)
    :: else
    fi;
    for (r : 0 .. REPLIES - 1) {
        if
        :: kept[r] != NONE && holder[r] == t -> drop(r)
        :: else
        fi
    }
}

inline expire()
{
    assert(IS_WAITING(t) && ghost_limit[t]);
    printf("EVENT timeout thread=%d\n", t);
    if
    :: FAULT != TIMEOUT_LEAVES_QUEUED -> leave_queue(t)
    :: else
    fi;
    wake(t)
}

inline break_off()
{
    printf("EVENT break_off thread=%d\n", t);
    leave_queue(t);
    wake(t)
}

inline revoke()
{
    printf("EVENT revoke endpoint=%d\n", e);
    right[e] = 0;
    do
    :: nempty(senders[e]) && FAULT != REVOKE_NOT_TOLD ->
        senders[e]?c;
        printf("EVENT fail thread=%d error=dead\n", c);
        wake(c)
    :: empty(senders[e]) || FAULT == REVOKE_NOT_TOLD -> break
    od
}

/* ---- Invariants, true after each step ---------------------------------------------------------------------------- */

inline check_thread(thread)
{
    if
    :: state[thread] == ANSWER && partner[thread] < THREADS -> /* no reply is lost: somebody can give it */
        assert(state[partner[thread]] != DEAD && caller[partner[thread]] == thread && ghost_link[partner[thread]])
    :: state[thread] == ANSWER && partner[thread] >= THREADS ->
        assert(partner[thread] != NONE);
        assert(kept[partner[thread] - THREADS] == thread && ghost_kept[partner[thread] - THREADS]);
        assert(state[holder[partner[thread] - THREADS]] != DEAD)
    :: state[thread] == SENDING -> /* on one queue, where somebody may receive, and nobody waits already */
        assert(senders[place[thread]]??[eval(thread)] && right[place[thread]] && empty(receivers[place[thread]]))
    :: state[thread] == RECEIVING ->
        assert(receivers[place[thread]]??[eval(thread)] && (thread != BOUND || word == 0 || closed))
    :: else
    fi;
    assert(armed[thread] == ghost_limit[thread]);
    assert(IS_WAITING(thread) || !armed[thread]);
    c = thread; /* chains of waiting end */
    x = 0;
    do
    :: x <= THREADS && c < THREADS && state[c] == SENDING -> c = SERVER(place[c]); x++
    :: x <= THREADS && c < THREADS && state[c] == ANSWER -> c = partner[c]; x++
    :: else -> break
    od;
    assert(x <= THREADS)
}

inline check()
{
    assert(word == ghost_word);
    u = 0;
    for (t : 0 .. THREADS - 1) {
        if
        :: state[t] == SENDING || state[t] == RECEIVING -> u++
        :: else
        fi;
        check_thread(t)
    }
    for (e : 0 .. ENDPOINTS - 1) {
        u = u - len(senders[e]) - len(receivers[e])
    }
    assert(u == 0) /* each is on one queue, and nobody else is */
}

/* ---- Steps ------------------------------------------------------------------------------------------------------- */

inline choose_thread(thread)
{
    if
    :: thread = 0
    :: thread = 1
    :: thread = 2
    fi
}

inline choose_object()
{
    r = 0;
    do
    :: r < REPLIES - 1 -> r++
    :: break
    od
}

/* A choice that makes no sense is no step. */
inline require(condition)
{
    if
    :: condition
    :: else -> goto done
    fi
}

/* An endpoint, and whether this wait shall have a deadline. */
inline choose_wait()
{
    if
    :: e = 0
    :: e = 1
    fi;
    if
    :: wants = 0
    :: t == LIMITED -> wants = 1
    fi
}

/* A system call of `t`. */
inline system_call()
{
    if
    :: choose_wait();
        if
        :: call = MESSAGE_CALL; poll = 0
        :: call = MESSAGE_SEND; poll = 0
        :: call = MESSAGE_CALL; poll = 1
        fi;
        d_step { send(); skip }
    :: choose_wait();
        require(right[e]);
        if
        :: poll = 0
        :: poll = 1
        :: t == BOUND -> found = 1
        fi;
        d_step { receive(); skip }
    :: MAY_ANSWER(t) ->
        choose_wait();
        require(right[e]);
        d_step { reply(); receive(); skip }
    :: MAY_ANSWER(t) -> d_step { reply(); skip }
    :: MAY_ANSWER(t) -> choose_object(); require(kept[r] == NONE || FAULT == KEEP_OVERWRITES); d_step { keep(); skip }
    :: choose_object(); require(kept[r] != NONE && holder[r] == t); d_step { answer_kept(); skip }
    :: choose_object(); require(kept[r] != NONE && holder[r] == t); d_step { drop(r); skip }
    :: choose_object();
        require(kept[r] != NONE && holder[r] == t);
        choose_thread(u);
        require(u != t && state[u] != DEAD);
        printf("EVENT move object=%d to=%d\n", r, u);
        holder[r] = u
    :: t == BOUND -> /* signal and wait in one system call; what another thread signals so, it could signal before */
        choose_wait();
        require(right[e]);
        d_step { x = 2; signal(); receive(); skip }
    fi
}

active proctype kernel()
{
    d_step {
        for (t : 0 .. THREADS - 1) {
            partner[t] = NONE;
            caller[t] = NONE
        }
        for (e : 0 .. ENDPOINTS - 1) {
            server[e] = NONE;
            right[e] = 1
        }
        for (r : 0 .. REPLIES - 1) {
            kept[r] = NONE
        }
        t = 0; e = 0; r = 0
    }
    do
    :: atomic {
        if
        :: choose_thread(t); require(state[t] == RUN); system_call()
        :: d_step { x = 1; signal(); skip } /* by a thread, or an interrupt */
        :: choose_thread(t); require(state[t] != DEAD && KILLS); d_step { kill(); skip }
        :: choose_thread(t); require(armed[t]); d_step { expire(); skip }
        :: choose_thread(t); require(IS_WAITING(t)); d_step { break_off(); skip }
        :: right[REVOCABLE] -> e = REVOCABLE; d_step { revoke(); skip }
        :: !right[REVOCABLE] -> e = REVOCABLE; printf("EVENT grant endpoint=%d\n", e); right[e] = 1
        fi;
        d_step { check(); skip }
    done:
        skip;
        d_step {
            t = 0; u = 0; e = 0; r = 0; c = 0; x = 0; i = 0;
            call = 0; poll = 0; wants = 0; found = 0
        }
    }
    od
}
