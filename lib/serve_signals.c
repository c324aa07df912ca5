/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server loop for a thread that a notification is bound to. Who serves without one does not pay for it: the signals
 * are taken out between the loop and the dispatcher.
 */
#include "salto/server.h"

#include <stdbool.h>

/* What stands between the server loop and the dispatcher: takes out signals. */
struct service {
    idl_dispatcher *dispatcher;
    idl_string_dispatcher *string_dispatcher; /* or this one */
    void *object;
    salto_signal_handler *signalled;
};

static bool takes_signal(const struct service *service, uint64_t tag, uint64_t bits)
{
    if ((uint32_t)tag != (TAG_NATIVE | MESSAGE_SIGNAL << TAG_OPERATION_SHIFT | 1))
        return false;
    service->signalled(service->object, bits);
    return true;
}

static struct idl_answer dispatch_or_signal(uint64_t badge, uint64_t word0, uint64_t word1, uint64_t tag,
                                            uint64_t word2, uint64_t word3, struct idl_frame *frame)
{
    struct service *service = frame->object;
    struct idl_answer answer;

    if (takes_signal(service, tag, word0))
        return idl_no_answer();
    frame->object = service->object;
    answer = service->dispatcher(badge, word0, word1, tag, word2, word3, frame);
    frame->object = service;
    return answer;
}

static struct idl_answer dispatch_strings_or_signal(uint64_t badge, uint64_t word0, uint64_t word1, uint64_t tag,
                                                    uint64_t word2, uint64_t word3, struct idl_string_frame *frame)
{
    struct service *service = frame->plain->object;
    struct idl_answer answer;

    if (takes_signal(service, tag, word0))
        return idl_no_answer();
    frame->plain->object = service->object;
    answer = service->string_dispatcher(badge, word0, word1, tag, word2, word3, frame);
    frame->plain->object = service;
    return answer;
}

int salto_serve_signals(uint32_t endpoint, idl_dispatcher *dispatcher, void *object, salto_signal_handler *signalled)
{
    struct service service = {.dispatcher = dispatcher, .object = object, .signalled = signalled};

    return salto_serve(endpoint, dispatch_or_signal, &service);
}

int salto_serve_strings_signals(uint32_t endpoint, idl_string_dispatcher *dispatcher, void *object, void *buffers,
                                salto_signal_handler *signalled)
{
    struct service service = {.string_dispatcher = dispatcher, .object = object, .signalled = signalled};

    return salto_serve_strings(endpoint, dispatch_strings_or_signal, &service, buffers);
}
