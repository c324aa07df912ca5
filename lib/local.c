/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The local transport: a call becomes a call of the server's dispatcher, on the caller's thread, with what the kernel
 * would have put into registers, UTCB and buffers.
 *
 * - Handlers of a service never run twice at once: whoever runs its dispatcher, a caller or the thread that serves,
 *   holds the service's lock. That thread holds it until an answer that names memory (strings) has been sent.
 * - A thread that waits in any other way than for an answer abandons whoever waits for its own. So a caller that finds
 *   the lock taken calls by the kernel, and waits there; the thread that serves keeps its caller in a reply object.
 * - Strings are copied into memory that belongs to the service, so that what a handler sees is not the caller's any
 *   more; the answer's go straight to the caller's buffers.
 * - Caller and handler share a UTCB. What the caller said in it about what it takes is put aside while the handler
 *   runs, so that this can make IPCs of its own.
 */
#define _GNU_SOURCE /* environ */
#include "salto/local.h"

#include "idl/task.h"
#include "local_items.h"
#include "salto/route.h"
#include "salto/server.h"
#include "salto/startup.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FUTEX_WAIT_PRIVATE 128 /* of Linux' <linux/futex.h>, which musl does not bring */
#define FUTEX_WAKE_PRIVATE 129
#define MAX_SERVICES 64 /* endpoints of one image that are called locally */
#define MAX_LOCAL_ROUTES ROUTES_MAX

/* An endpoint that this program serves. All but `holder` and `serving` is written before `serving` is set. */
struct service {
    uint32_t endpoint; /* its handle, as the server has it */
    uint32_t program;  /* who serves */
    idl_string_dispatcher *dispatcher;
    void *object, *buffers;
    struct string_buffer strings[MESSAGE_MAX_STRINGS]; /* for callers' strings, as large as the server's */
    uint32_t lock;
    const struct utcb *holder; /* of the thread that holds the lock; read by others only to compare with their own */
    bool serving;
};

/* What a route is to. The service is looked for by its endpoint, since it may begin to serve later. */
struct local_route {
    uint32_t endpoint;
    uint64_t badge;
    struct service *service; /* NULL: not found yet */
};

static struct service services[MAX_SERVICES];
static uint32_t services_count; /* written under `services_lock`, behind a new service */
static pthread_mutex_t services_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER; /* a service began, or a main() returned */

/* ---- The side of the caller -------------------------------------------------------------------------------------- */

static struct service *find_service(uint32_t endpoint)
{
    uint32_t count = __atomic_load_n(&services_count, __ATOMIC_ACQUIRE);

    for (uint32_t i = 0; i < count; i++)
        if (services[i].endpoint == endpoint)
            return &services[i];
    return NULL;
}

/* What the lock's word holds. A mutex of the C library would cost as many instructions as the rest of a call. */
enum { LOCK_FREE, LOCK_HELD, LOCK_WAITED_FOR };

static inline bool try_lock(struct service *service)
{
    uint32_t free = LOCK_FREE;

    if (!__atomic_compare_exchange_n(&service->lock, &free, LOCK_HELD, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return false;
    __atomic_store_n(&service->holder, ipc_utcb(), __ATOMIC_RELAXED);
    return true;
}

/* For a thread that has no caller of its own waiting for it: it would be abandoned. */
static void lock(struct service *service)
{
    if (try_lock(service))
        return;
    while (__atomic_exchange_n(&service->lock, LOCK_WAITED_FOR, __ATOMIC_ACQUIRE) != LOCK_FREE)
        syscall(SYS_futex, &service->lock, FUTEX_WAIT_PRIVATE, LOCK_WAITED_FOR, NULL);
    __atomic_store_n(&service->holder, ipc_utcb(), __ATOMIC_RELAXED);
}

static inline void unlock(struct service *service)
{
    __atomic_store_n(&service->holder, NULL, __ATOMIC_RELAXED);
    if (__atomic_exchange_n(&service->lock, LOCK_FREE, __ATOMIC_RELEASE) == LOCK_WAITED_FOR)
        syscall(SYS_futex, &service->lock, FUTEX_WAKE_PRIVATE, 1);
}

/* The request goes by the kernel after all: nothing of it was used. */
#define COMES_BY_KERNEL 0

static inline void clear_words(uint64_t *words, size_t count)
{
    __builtin_memset(words, 0, count * sizeof(words[0]));
}

/* What the caller gets of an answer: its tag, with the words in place. */
static uint64_t take_answer(struct idl_answer answer, const struct idl_frame *frame, const struct local_setup *setup,
                            uint64_t *words)
{
    const uint32_t low = (uint32_t)answer.tag;
    int error;

    words[0] = answer.word;
    if (low <= TAG_PLAIN_REPLY + 1)
        clear_words(words + 1, MESSAGE_REGISTER_WORDS - 1);
    else
        __builtin_memcpy(words + 1, frame->words + 1, sizeof(words[0]) * (MESSAGE_REGISTER_WORDS - 1));
    if (low <= TAG_PLAIN_REPLY_LAST)
        return answer.tag;
    error = local_answer_items(low, setup);
    if (error == 0)
        return answer.tag;
    idl_drop_answer(answer.tag);
    clear_words(words, MESSAGE_REGISTER_WORDS);
    return message_labelled_tag((uint32_t)-error, TAG_PLAIN_REPLY);
}

static inline uint64_t dispatch(struct service *service, uint64_t badge, uint64_t tag, const struct local_setup *setup,
                                uint64_t *words)
{
    struct utcb *utcb = ipc_utcb();
    const uint64_t place = utcb->words[IDL_PLACE_WORD];
    struct idl_string_frame frame;
    struct idl_answer answer;

    frame.plain->word4 = words[4];
    frame.plain->word5 = words[5];
    frame.plain->object = service->object;
    frame.plain->buffers = service->buffers;
    frame.plain->refused = 0;
    utcb->words[IDL_PLACE_WORD] = IDL_AT_CALLER;
    answer = service->dispatcher(badge, words[0], words[1], tag, words[2], words[3], &frame);
    if (utcb->words[IDL_PLACE_WORD] == IDL_AT_CALLER_REFUSED) {
        utcb->words[IDL_PLACE_WORD] = place;
        return COMES_BY_KERNEL;
    }
    utcb->words[IDL_PLACE_WORD] = place;
    if (((uint32_t)tag >> TAG_OPERATION_SHIFT & TAG_OPERATION_MASK) == MESSAGE_SEND) {
        clear_words(words, MESSAGE_REGISTER_WORDS);
        return TAG_PLAIN_REPLY;
    }
    return take_answer(answer, frame.plain, setup, words);
}

/* Neither request nor answer can have strings, as far as the caller has said. */
static inline bool has_no_strings(uint64_t tag)
{
    const struct string_buffer *buffers = ipc_utcb()->string_buffers;

    return local_items((uint32_t)tag) == 0 &&
           (buffers[0].size | buffers[1].size | buffers[2].size | buffers[3].size) == 0;
}

/* With the lock held, and a service that serves: words alone. */
static uint64_t call_with_words(const struct local_route *route, uint64_t tag, uint64_t *words)
{
    static const struct local_setup nothing_taken;
    struct utcb *utcb = ipc_utcb();
    const uint64_t refused = utcb->words[0];
    const uint64_t answer = dispatch(route->service, route->badge, tag, &nothing_taken, words);

    utcb->words[0] = refused;
    return answer;
}

/* The same of any message. */
static uint64_t call(const struct local_route *route, uint64_t tag, uint64_t *words)
{
    struct service *service = route->service;
    const uint32_t items = local_items((uint32_t)tag);
    struct local_setup setup;
    uint64_t answer;
    int error;

    local_put_aside(&setup);
    error = local_request_strings(items, service->strings, &setup);
    answer = error ? (uint64_t)error : dispatch(service, route->badge, tag, &setup, words);
    local_put_back(&setup, answer == COMES_BY_KERNEL || error ? items : 0);
    return answer;
}

static uint64_t exchange(struct salto_route *salto_route, uint64_t tag, uint64_t *words)
{
    struct local_route *route = salto_route->state;
    struct service *service = route->service;
    uint64_t answer = COMES_BY_KERNEL;

    if (!service)
        route->service = service = find_service(route->endpoint);
    if (!service)
        return COMES_BY_KERNEL;
    if (__atomic_load_n(&service->holder, __ATOMIC_RELAXED) == ipc_utcb())
        return ERROR_DEADLOCK;
    if (!try_lock(service))
        return COMES_BY_KERNEL;
    if (service->serving)
        answer = has_no_strings(tag) ? call_with_words(route, tag, words) : call(route, tag, words);
    unlock(service);
    return answer;
}

/* A call that the serving thread answers itself, when it has handled what it received before. No interface has number
 * 0. */
#define TAG_ANYBODY_THERE TAG_PLAIN_CALL

static void wait_until_handled(const struct salto_route *route)
{
    uint64_t words[MESSAGE_REGISTER_WORDS] = {0};

    ipc_exchange(TAG_ANYBODY_THERE, route->capability, words);
}

static const struct salto_way local_way = {.exchange = exchange, .sent = wait_until_handled};

static struct local_route local_routes[MAX_LOCAL_ROUTES];
static uint32_t local_routes_count;

uint32_t salto_local_open(const struct startup_grant *grant)
{
    const struct startup_table *table = salto_startup_table();
    uint32_t place;
    uint64_t badge;

    for (uint32_t i = 0; i < table->grants_count; i++) {
        if (!(table->grants[i].over & STARTUP_SERVED) ||
            kernel_task_identify((kernel_task_t){salto_own_task}, grant->handle,
                                 (kernel_endpoint_t){table->grants[i].handle}, &badge) != 0)
            continue;
        place = __atomic_fetch_add(&local_routes_count, 1, __ATOMIC_RELAXED);
        if (place >= MAX_LOCAL_ROUTES)
            return 0;
        local_routes[place] = (struct local_route){table->grants[i].handle, badge, NULL};
        return salto_route_open(&local_way, &local_routes[place], grant->handle);
    }
    return 0;
}

/* ---- The side of the server -------------------------------------------------------------------------------------- */

/* Sends an answer that has items while the lock is held. What the kernel does not take is replaced by its error, and a
 * caller that is gone is forgotten, as the loop does. */
static struct idl_answer answer_at_once(struct idl_answer answer, struct idl_frame *frame)
{
    const uint32_t low = (uint32_t)answer.tag;
    const uint64_t tag = message_labelled_tag(message_label(answer.tag),
                                              message_tag(MESSAGE_REPLY, low & TAG_WORDS_MASK, local_items(low)));
    uint64_t words[MESSAGE_REGISTER_WORDS] = {answer.word};
    uint64_t sent;

    for (unsigned i = 1; i < MESSAGE_REGISTER_WORDS; i++)
        words[i] = frame->words[i];
    sent = ipc_exchange(tag, 0, words);
    if (message_is_tag(sent))
        return idl_no_answer();
    frame->refused++;
    idl_drop_answer(tag);
    if (sent == ERROR_NO_CALLER)
        return idl_no_answer();
    return (struct idl_answer){message_labelled_tag((uint32_t) - (int)sent, TAG_PLAIN_REPLY), 0};
}

/* Waits for the lock with the caller of this thread kept, and returns by what. 0: nobody is to be answered, or the lock
 * was free. */
static uint32_t lock_for_caller(struct service *service)
{
    struct idl_token token = {0};

    if (try_lock(service))
        return 0;
    if (idl_keep(&token, NULL) != 0)
        token.reply = 0;
    lock(service);
    ipc_utcb()->words[IDL_KEPT_WORD] = token.reply;
    return token.reply;
}

/* Answers a caller that was kept, unless the dispatcher kept it on. */
static void answer_kept(uint32_t reply, struct idl_answer answer, struct idl_frame *frame)
{
    struct idl_token token = {.reply = reply};

    if (ipc_utcb()->words[IDL_KEPT_WORD] == 0)
        return;
    ipc_utcb()->words[IDL_KEPT_WORD] = 0;
    idl_answer_kept(reply, answer, frame);
    idl_drop(&token);
}

static struct idl_answer dispatch_locked(uint64_t badge, uint64_t word0, uint64_t word1, uint64_t tag, uint64_t word2,
                                         uint64_t word3, struct idl_string_frame *frame)
{
    struct service *service = frame->plain->object;
    struct idl_answer answer;
    uint32_t kept;

    if (tag == TAG_ANYBODY_THERE)
        return (struct idl_answer){TAG_PLAIN_REPLY, 0};
    kept = lock_for_caller(service);
    frame->plain->object = service->object;
    answer = service->dispatcher(badge, word0, word1, tag, word2, word3, frame);
    frame->plain->object = service;
    if (kept != 0) {
        answer_kept(kept, answer, frame->plain);
        answer = idl_no_answer();
    } else if ((uint32_t)answer.tag > TAG_PLAIN_REPLY_LAST && local_items((uint32_t)answer.tag) != 0) {
        answer = answer_at_once(answer, frame->plain);
    }
    unlock(service);
    return answer;
}

/* Memory for the strings of callers, as much as this thread has opened for the kernel's, with room behind each for the
 * zero byte of a text. */
static bool make_strings(struct service *service)
{
    const struct utcb *utcb = ipc_utcb();

    for (unsigned i = 0; i < MESSAGE_MAX_STRINGS; i++) {
        const size_t size = service->buffers ? utcb->string_buffers[i].size : 0;
        void *memory = size ? malloc(size + 1) : NULL;

        if (size && !memory)
            return false;
        service->strings[i] = (struct string_buffer){(uint64_t)(uintptr_t)memory, size};
    }
    return true;
}

/* The line of an endpoint that others in this image call, or NULL. */
static const struct startup_grant *find_line(uint32_t endpoint)
{
    const struct startup_table *table = salto_startup_table();

    for (uint32_t i = 0; i < table->grants_count; i++)
        if (table->grants[i].handle == endpoint && (table->grants[i].over & STARTUP_SERVED) &&
            (table->grants[i].over & 1 << STARTUP_OVER_LOCAL))
            return &table->grants[i];
    return NULL;
}

/* Makes a service known. NULL if it has to do without: a second thread serves the same endpoint, or memory is used
 * up. */
static struct service *begin(uint32_t endpoint, uint32_t program, const struct service *model)
{
    struct service *service = NULL;

    pthread_mutex_lock(&services_lock);
    if (services_count < MAX_SERVICES && !find_service(endpoint)) {
        service = &services[services_count];
        *service = *model;
        service->endpoint = endpoint;
        service->program = program;
        service->serving = make_strings(service);
        __atomic_store_n(&services_count, services_count + 1, __ATOMIC_RELEASE);
    }
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&services_lock);
    return service;
}

static int serve(uint32_t endpoint, idl_string_dispatcher *dispatcher, void *object, void *buffers)
{
    const struct service model = {.dispatcher = dispatcher, .object = object, .buffers = buffers};
    const struct startup_grant *line = find_line(endpoint);
    struct service *service = line ? begin(endpoint, line->program, &model) : NULL;
    int result;

    if (!service)
        return salto_serve_loop(endpoint, dispatcher, object, buffers);
    result = salto_serve_loop(endpoint, dispatch_locked, service, buffers);
    lock(service);
    service->serving = false; /* what it served with may be gone when this returns */
    unlock(service);
    return result;
}

__attribute__((constructor)) static void serve_both_ways(void)
{
    salto_serve_hook = serve;
}

/* ---- Programs in one image --------------------------------------------------------------------------------------- */

static uint64_t returned[4]; /* a bit for each program whose main() returned */

static void *run_member(void *argument)
{
    const struct salto_member *member = argument;
    int count = 0, status;

    while (member->arguments[count])
        count++;
    status = member->main(count, member->arguments, environ);
    if (status != 0)
        exit(status);
    pthread_mutex_lock(&services_lock);
    returned[member->program / 64] |= UINT64_C(1) << member->program % 64;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&services_lock);
    return NULL;
}

static bool has_begun(uint32_t program)
{
    for (uint32_t i = 0; i < services_count; i++)
        if (services[i].program == program)
            return true;
    return (returned[program / 64] >> program % 64 & 1) != 0;
}

void salto_member_start(const struct salto_member *member)
{
    pthread_attr_t attributes;
    pthread_t thread;

    if (pthread_attr_init(&attributes) != 0 || pthread_attr_setstacksize(&attributes, member->stack) != 0 ||
        pthread_create(&thread, &attributes, run_member, (void *)(uintptr_t)member) != 0) {
        fprintf(stderr, "%s: there is no memory for its thread\n", member->arguments[0]);
        exit(1);
    }
    pthread_attr_destroy(&attributes);
    pthread_detach(thread);
    pthread_mutex_lock(&services_lock);
    while (!has_begun(member->program))
        pthread_cond_wait(&changed, &services_lock);
    pthread_mutex_unlock(&services_lock);
}
