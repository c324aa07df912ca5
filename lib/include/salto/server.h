/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server's side of IPC: the loop, what a dispatcher gets and returns, and IPCs that receive.
 *
 * salto_serve() keeps a frame on its stack. After each receive it calls the dispatcher with what came in, in the
 * registers where the kernel left most of it, and sends what the dispatcher returns. Dispatchers are generated: see
 * NAME_SERVER in idl/NAME_server.h, and docs/idl.md.
 *
 * Offsets are shared with system_call.S and serve.S.
 */
#ifndef SALTO_SERVER_H
#define SALTO_SERVER_H

#define IDL_FRAME_WORD4 0
#define IDL_FRAME_WORD5 8
#define IDL_FRAME_WORDS 16
#define IDL_FRAME_OBJECT 64
#define IDL_FRAME_ENDPOINT 72
#define IDL_FRAME_DISPATCHER 80
#define IDL_FRAME_BUFFERS 88
#define IDL_FRAME_REFUSED 96
#define IDL_FRAME_ANSWER 104
#define IDL_FRAME_SIZE 112 /* a multiple of 16, as the stack needs it */

#define IPC_MESSAGE_BADGE 0
#define IPC_MESSAGE_WORDS 8

#ifndef __ASSEMBLER__
#include "abi/errors.h"
#include "abi/message.h"
#include "salto/idl.h"

#include <stddef.h>
#include <stdint.h>

/* What the dispatcher wants sent next, in rax and rdx: tag, and word 0. Words 1 to 5 are taken from the frame unless
 * the tag is a plain reply of at most one word. */
struct idl_answer {
    uint64_t tag, word;
};

struct idl_frame {
    uint64_t word4, word5; /* of the request */
    uint64_t words[6];     /* of the answer, from 1 on */
    void *object;          /* what salto_serve() was given */
    uint64_t loop[2];      /* the loop's own */
    void *buffers;         /* what salto_serve_strings() was given */
    uint64_t refused;      /* answers that the kernel did not take; for the dispatcher to read and clear */
    uint64_t answer;       /* the tag of the last one that was not plain: the loop's own */
};

_Static_assert(offsetof(struct idl_frame, word4) == IDL_FRAME_WORD4, "where assembly looks for it");
_Static_assert(offsetof(struct idl_frame, word5) == IDL_FRAME_WORD5, "where assembly looks for it");
_Static_assert(offsetof(struct idl_frame, words) == IDL_FRAME_WORDS, "where assembly looks for it");
_Static_assert(offsetof(struct idl_frame, object) == IDL_FRAME_OBJECT, "where assembly looks for it");
_Static_assert(offsetof(struct idl_frame, loop) == IDL_FRAME_ENDPOINT, "where assembly looks for it");
_Static_assert(offsetof(struct idl_frame, buffers) == IDL_FRAME_BUFFERS, "where assembly looks for it");
_Static_assert(offsetof(struct idl_frame, refused) == IDL_FRAME_REFUSED, "where assembly looks for it");
_Static_assert(offsetof(struct idl_frame, answer) == IDL_FRAME_ANSWER, "where assembly looks for it");
_Static_assert(sizeof(struct idl_frame) == IDL_FRAME_SIZE, "as large as assembly makes it");

typedef struct idl_answer idl_dispatcher(uint64_t badge, uint64_t word0, uint64_t word1, uint64_t tag, uint64_t word2,
                                         uint64_t word3, struct idl_frame *frame);

/* The same frame, of a loop that has buffers for strings: a dispatcher that needs them is of a type of its own, so that
 * nobody hands it to a loop without. */
struct idl_string_frame {
    struct idl_frame plain[1];
};

typedef struct idl_answer idl_string_dispatcher(uint64_t badge, uint64_t word0, uint64_t word1, uint64_t tag,
                                                uint64_t word2, uint64_t word3, struct idl_string_frame *frame);

/* What a handler is told about its caller. */
struct idl_call {
    uint64_t badge; /* of the capability that the caller used: the kernel vouches for it */
};

/* A capability that came in. It belongs to the dispatcher, which releases it after the handler returned. */
struct idl_cap {
    uint32_t handle;
};

/* Where a handler puts bytes or a string that it answers: at most `capacity` bytes at `data`, and how many they are. Or
 * it lets `data` point to where they are already, and stay until the next request: then nothing is copied but by the
 * kernel. More than `capacity` answers -ERROR_ABANDONED. */
struct idl_outbuf {
    void *data;
    size_t capacity;
    size_t length; /* 0 at first */
};

/* Puts the result's bytes into `words`, if they are not there, and clears the rest of `size` bytes. For dispatchers. */
static inline void idl_settle(void *words, size_t size, const struct idl_outbuf *buffer)
{
    if (buffer->data != words && buffer->length)
        __builtin_memcpy(words, buffer->data, buffer->length);
    __builtin_memset((char *)words + buffer->length, 0, size - buffer->length);
}

/* Keeps a capability that came in: returns its handle, which the caller of this must release some day. */
static inline uint32_t idl_take(struct idl_cap *cap)
{
    uint32_t handle = cap->handle;

    cap->handle = 0;
    return handle;
}

/*
 * Receives on `endpoint` (a capability with read right) and answers what `dispatcher` says, for ever. `object` is
 * passed to the handlers. A reply that the kernel refuses (a handler gave a capability that it does not have) is
 * replaced by its error, and counted in the frame's `refused`; a caller that died meanwhile is forgotten. What such a
 * reply would have moved to the caller is released: it belongs to the server no longer. Returns
 * -ERROR_* only if nothing can be received: -ERROR_BAD_HANDLE, -ERROR_NO_RIGHT, -ERROR_WRONG_TYPE, -ERROR_DEAD,
 * -ERROR_INTERRUPTED.
 */
int salto_serve(uint32_t endpoint, idl_dispatcher *dispatcher, void *object);

/* As salto_serve(), for an interface with long bytes or strings, which are kept in `buffers`. Called by the interface's
 * own NAME_serve() of idl/NAME_server.h, which knows how large they must be. */
int salto_serve_strings(uint32_t endpoint, idl_string_dispatcher *dispatcher, void *object, void *buffers);

typedef int salto_serve_function(uint32_t endpoint, idl_string_dispatcher *dispatcher, void *object, void *buffers);

/* What salto_serve() and salto_serve_strings() do where `salto_serve_hook` is NULL, as it is in programs that are
 * called by way of the kernel alone. Else that is called in their place, and can call this with another dispatcher. */
salto_serve_function salto_serve_loop;
extern salto_serve_function *salto_serve_hook;

/* What salto_serve_loop() does in a program that is called over rings, where this is not NULL (docs/transports.md,
 * "Shared"): a loop that takes messages from there too. Set before main(). */
extern salto_serve_function *salto_serve_rings;

/* Keeps pages that came in: they stay mapped where they are, until idl_release_pages(). The server must take the next
 * ones elsewhere, and says where with idl_set_window(ipc_utcb(), ...), here or later. */
static inline struct idl_pages idl_take_pages(struct idl_pages *pages)
{
    struct idl_pages taken = *pages;

    pages->size = 0;
    return taken;
}

/* Gets the bits that were signalled: bits of the same value that were signalled before they were taken come once. */
typedef void salto_signal_handler(void *object, uint64_t bits);

/*
 * As salto_serve(), for a thread that a notification is bound to: between requests `signalled` gets its bits. Plain
 * salto_serve() takes them too, and drops them.
 */
int salto_serve_signals(uint32_t endpoint, idl_dispatcher *dispatcher, void *object, salto_signal_handler *signalled);
/* The same for interfaces with long bytes or strings. `buffers` must have been opened for this thread. */
int salto_serve_strings_signals(uint32_t endpoint, idl_string_dispatcher *dispatcher, void *object, void *buffers,
                                salto_signal_handler *signalled);

/*
 * As salto_serve(), for handlers that wait for something themselves (ipc_wait_signals(), ipc_sleep_until(), a receive):
 * that would abandon the caller, so it is kept in `reply`, an empty reply object, until its handler returns. Costs two
 * system calls a request.
 */
int salto_serve_late(uint32_t endpoint, uint32_t reply, idl_dispatcher *dispatcher, void *object);

/* A message's register part, for ipc_transfer(). */
struct ipc_message {
    uint64_t badge; /* out */
    uint64_t words[6];
};

_Static_assert(offsetof(struct ipc_message, badge) == IPC_MESSAGE_BADGE, "where assembly looks for it");
_Static_assert(offsetof(struct ipc_message, words) == IPC_MESSAGE_WORDS, "where assembly looks for it");

/*
 * Any IPC, receiving ones included: the tag says what (abi/message.h: message_tag(MESSAGE_RECEIVE, 0, 0) | TAG_POLL is
 * a poll). Sends `message`, and puts what came in into it. Keeps the registers that C functions keep, but resets MXCSR
 * and the x87 control word to their defaults. Returns the tag that came in or an error number.
 */
uint64_t ipc_transfer(uint64_t tag, uint64_t handle, struct ipc_message *message);

/* Refuses the request that came in with `tag`, with an ERROR_* number that `parameter` (from 1 on; 0: none) is the
 * reason for: counts it; releases its capabilities; answers with the parameter's number unless the request was oneway.
 * Error 0 stands for what is wrong with the items. For dispatchers. */
__attribute__((cold)) struct idl_answer idl_refuse(uint64_t tag, int error, uint32_t parameter);

/*
 * What the inlined parts of a dispatcher return where there is no answer yet, in a form that no answer has (bit 31 of
 * the tag is clear), so that what makes an answer of it stands in a dispatcher once: idl_concluded(). A refusal, with
 * the error in the high half; or the result of a handler, and what says whether the operation raises it.
 */
#define IDL_REFUSED 0
#define IDL_FAILED 1

static inline struct idl_answer idl_refused(int error, uint32_t parameter)
{
    return (struct idl_answer){message_labelled_tag((uint32_t)error, IDL_REFUSED), parameter};
}

static inline struct idl_answer idl_failed(int result, bool (*is_raised)(int error))
{
    return (struct idl_answer){message_labelled_tag((uint32_t)result, IDL_FAILED), (uint64_t)(uintptr_t)is_raised};
}

/* The answer of a refusal or failure. A positive result that the operation does not raise, which must not reach the
 * client as if it were declared, becomes -ERROR_ABANDONED. */
__attribute__((cold)) struct idl_answer idl_conclude(uint64_t tag, struct idl_answer outcome);

/* By way of a number, since gcc builds constant structs up in vector registers. */
static inline __attribute__((always_inline)) struct idl_answer idl_concluded(uint64_t tag, struct idl_answer outcome)
{
    __extension__ union {
        unsigned __int128 number;
        struct idl_answer answer;
    } concluded;

    if (__builtin_expect(!((uint32_t)outcome.tag & TAG_NATIVE), 0))
        return idl_conclude(tag, outcome);
    concluded.number = (__typeof__(concluded.number))outcome.word << 64 | outcome.tag;
    return concluded.answer;
}

/* Releases what an answer with `tag`, whose items stand in the UTCB, would have moved to a caller who did not get it.
 * For the loop. */
void idl_drop_answer(uint64_t tag);

/*
 * A call that is answered later: of an operation that is @deferred. It belongs to the dispatcher, which answers with
 * what the handler returned, or -ERROR_ABANDONED, unless the handler answered or took it. Then it is used once:
 * whatever is tried with it again fails with -ERROR_NO_CALLER. A program that ends answers all that it has with
 * -ERROR_ABANDONED.
 */
struct idl_token {
    uint32_t reply;               /* handle of the reply object that keeps the caller; 0: used */
    bool (*is_raised)(int error); /* says whether the operation raises an error; NULL: it raises none */
};

/* Keeps a token beyond the handler that got it: the value is a copy, of the token's own type, and the dispatcher's is
 * used. */
#define idl_take_token(token)                      \
    __extension__({                                \
        __typeof__(*(token)) idl_taken = *(token); \
        (token)->kept.reply = 0;                   \
        idl_taken;                                 \
    })

/*
 * While a dispatcher runs on the thread of its caller, who is in the same program (lib/local.c), this word of the UTCB
 * says so: then nobody can be kept, and what tries to notes that the request must come by the kernel.
 */
#define IDL_PLACE_WORD 1
enum idl_place { IDL_AT_SERVER, IDL_AT_CALLER, IDL_AT_CALLER_REFUSED };

/* Where the loop had to keep its caller already, this word of the UTCB has the handle of the reply object. */
#define IDL_KEPT_WORD 2

/* Set in the UTCB of a thread that serves by salto_serve_late(): its handlers wait, perhaps for signals, so nothing may
 * be bound to it. */
#define IDL_LATE_WORD 3

/* Can the caller be kept? */
static inline bool idl_can_keep(void)
{
    uint64_t *place = &ipc_utcb()->words[IDL_PLACE_WORD];

    if (*place == IDL_AT_SERVER)
        return true;
    *place = IDL_AT_CALLER_REFUSED;
    return false;
}

/* The handle of the factory that pays for the reply objects. Set before main() to what was granted under the name
 * "factory" (lib/startup.c). */
extern uint32_t salto_own_factory;

/* Keeps the caller of this thread. 0, or -ERROR_*: NO_MEMORY, NO_SLOT, NO_CALLER (it is gone). For dispatchers. */
int idl_keep(struct idl_token *token, bool (*is_raised)(int error));

/* Answers by the reply object `reply` what a dispatcher returned. A caller that died meanwhile is forgotten; what the
 * kernel refuses is replaced by its error, counted in the frame, and what it would have moved is released. */
void idl_answer_kept(uint32_t reply, struct idl_answer answer, struct idl_frame *frame);

/* Behind a handler: answers what it left unanswered. For dispatchers. */
struct idl_answer idl_deferred(struct idl_token *token, int result);

/* Behind an answer, which returned `tag`: the token is used if it came through, or nobody waits any more. Returns 0 or
 * -ERROR_*. For NAME_reply(). */
int idl_answered(struct idl_token *token, uint64_t tag);

/* Answers with an error that the operation raises, or -ERROR_*; all else becomes -ERROR_ABANDONED. The token is used.
 * Returns 0, or -ERROR_NO_CALLER: it was used before, or nobody waits any more. */
IDL_MUST_USE int idl_fail(struct idl_token *token, int error);

/* Answers -ERROR_ABANDONED, if the token was not used. */
void idl_drop(struct idl_token *token);

/* A request that a dispatcher refused: NAME_parameter_name() of the interface's header names operation and
 * parameter. */
struct idl_refusal {
    uint32_t label;
    uint16_t parameter;        /* from 1 on; 0: operation or shape is wrong */
    uint16_t error;            /* ERROR_* */
} __attribute__((aligned(8))); /* written whole */

/* How many requests this program's dispatchers refused, and the last of them: all zeros where there was none. */
uint64_t salto_refusals(struct idl_refusal *last);

/* Nothing to send: just wait for the next request. */
static inline struct idl_answer idl_no_answer(void)
{
    return (struct idl_answer){message_tag(MESSAGE_RECEIVE, 0, 0), 0};
}
#endif

#endif
