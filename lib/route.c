/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of routes, and what decides whether a message goes by its way or by the kernel.
 *
 * A place is taken by changing `taken` from 0 to 1; its `way` is written last when it is opened, and first when it is
 * closed, so that a route that is found is whole.
 */
#include "salto/route.h"

#include "salto/idl.h"

static struct salto_route routes[ROUTES_MAX];
static uint32_t taken[ROUTES_MAX];

static struct salto_route *find(uint32_t handle)
{
    uint32_t index = handle - ROUTE_BIT;

    if (index >= ROUTES_MAX || !__atomic_load_n(&routes[index].way, __ATOMIC_ACQUIRE))
        return NULL;
    return &routes[index];
}

uint32_t salto_route_open(const struct salto_way *way, void *state, uint32_t capability)
{
    for (uint32_t i = 0; i < ROUTES_MAX; i++) {
        if (__atomic_exchange_n(&taken[i], 1, __ATOMIC_ACQUIRE))
            continue;
        routes[i].state = state;
        routes[i].capability = capability;
        __atomic_store_n(&routes[i].way, way, __ATOMIC_RELEASE);
        return ROUTE_BIT + i;
    }
    return 0;
}

uint32_t salto_route_close(uint32_t handle)
{
    struct salto_route *route = find(handle);
    uint32_t capability;

    if (!route)
        return 0;
    if (route->way->close)
        route->way->close(route);
    capability = route->capability;
    __atomic_store_n(&route->way, NULL, __ATOMIC_RELAXED);
    __atomic_store_n(&taken[route - routes], 0, __ATOMIC_RELEASE);
    return capability;
}

uint32_t salto_capability(uint32_t handle)
{
    const struct salto_route *route;

    if (!salto_is_route(handle))
        return handle;
    route = find(handle);
    return route ? route->capability : 0;
}

/* Strings alone, and no answer that could bring pages. (Capabilities can come with any answer: a way has to do
 * that.) */
static bool has_only_strings(uint32_t low)
{
    const struct utcb *utcb = ipc_utcb();
    uint32_t items = low >> TAG_ITEMS_SHIFT & TAG_ITEMS_MASK;

    for (uint32_t i = 0; i < items; i++)
        if ((uint32_t)utcb->items[i] != (uint32_t)ITEM_STRING << ITEM_KIND_SHIFT)
            return false;
    return utcb->window_log2 == 0;
}

/* Is it of a kind that the way carries? Polls are the kernel's to keep, and deadlines where the way does not. */
static bool is_for_way(const struct salto_way *way, uint32_t low)
{
    uint32_t operation = low >> TAG_OPERATION_SHIFT & TAG_OPERATION_MASK;

    if (low <= TAG_PLAIN_CALL_LAST)
        return ipc_utcb()->window_log2 == 0;
    if ((low & (TAG_POLL | (way->deadlines ? 0 : TAG_DEADLINE) | TAG_CLOSED | TAG_RESERVED)) != 0)
        return false;
    return (operation == MESSAGE_CALL || operation == MESSAGE_SEND) && has_only_strings(low);
}

static bool is_send(uint32_t low)
{
    return low > TAG_PLAIN_REPLY_LAST && (low >> TAG_OPERATION_SHIFT & TAG_OPERATION_MASK) == MESSAGE_SEND;
}

uint64_t salto_route_exchange(uint64_t tag, uint32_t handle, uint64_t *words)
{
    struct salto_route *route = find(handle);
    uint64_t answer;

    if (!route)
        return ERROR_BAD_HANDLE;
    if (is_for_way(route->way, (uint32_t)tag)) {
        answer = route->way->exchange(route, tag, words);
        if (answer != 0)
            return answer;
    }
    if (route->way->settle) {
        answer = route->way->settle(route, tag);
        if (answer != 0)
            return answer;
    }
    answer = ipc_exchange(tag, route->capability, words);
    if (route->way->sent && is_send((uint32_t)tag) && message_is_tag(answer))
        route->way->sent(route);
    return answer;
}
