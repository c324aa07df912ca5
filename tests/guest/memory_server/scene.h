/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clients of the memory server for its tests: each has a quota, and a task with one thread that does what it is told
 * with its memory. The thread's faults go to the memory server; those that are refused are told to the test, as
 * supervisor.
 */
#ifndef SALTO_MEMORY_SERVER_SCENE_H
#define SALTO_MEMORY_SERVER_SCENE_H

#include "../common/guest.h"
#include "../common/worker.h"
#include "abi/addresses.h"
#include "idl/memory_service.h"

#define PLACE 0x300000000000UL
#define RW (RIGHT_READ | RIGHT_WRITE)
#define FIXED MEMORY_ATTACHMENT_FIXED
#define BOOKS 8 /* pages that the books of a client with a handful of regions take at most */

struct scene {
    memory_space_t client;
    struct worker worker;
    uint32_t endpoint;   /* where the thread takes orders */
    uint32_t supervisor; /* where its task's faults are told */
};

/* The test's own quota at the memory server. */
extern memory_space_t bank;

/* A client with a quota of `pages`; EXPECTs that it can be made. */
void scene_create(struct scene *scene, uint64_t pages);

/* Closes the client, and ends its task. */
void scene_destroy(struct scene *scene);

/* The thread reads, or writes and reads back, or calls what lies at `address`. */
uint64_t scene_read(const struct scene *scene, uint64_t address);
void scene_write(const struct scene *scene, uint64_t address, uint64_t value);
void scene_execute(const struct scene *scene, uint64_t address);

/* Writes `value` into the first word of each of `pages` pages, or reads them: how many hold it? */
void scene_fill(const struct scene *scene, uint64_t address, uint64_t pages, uint64_t value);
uint64_t scene_count(const struct scene *scene, uint64_t address, uint64_t pages, uint64_t value);

/* EXPECTs that reading (or writing, or calling) is refused, with the fault's address told to the supervisor. The thread
 * has done its last then. */
void scene_read_refused(const struct scene *scene, uint64_t address);
void scene_write_refused(const struct scene *scene, uint64_t address);
void scene_execute_refused(const struct scene *scene, uint64_t address);

/* The thread maps the page at `address` on to the test, or grants it (ITEM_MAP, ITEM_GRANT); answers where the test has
 * it. */
#define GIVEN 0x310000000000UL
#define GIVEN_LOG2 16
uint64_t scene_give(const struct scene *scene, uint64_t address, uint32_t rights, uint32_t kind);

/* Memory of the client's own at `address`, or where there is room for 0. */
uint64_t scene_allocate(const struct scene *scene, uint64_t address, uint64_t pages, uint32_t rights);

/* Attaches `object` at PLACE; the result of the operation. */
int scene_attach(const struct scene *scene, memory_object_t object, uint64_t pages, uint32_t rights);

struct memory_statistics scene_statistics(memory_space_t client);

/* The tests, by file. */
void sharing_rights(void);
void sharing_ends_with_owner(void);
void snapshots(void);
void private_copies(void);
void address_spaces_copied(void);
void spaces_derived(void);
void copies_of_copies(void);
void quota_of_each_size(void);
void quota_exhausted_by_touching(void);
void quotas_divided(void);
void task_quota_exhausted(void);
void many_regions(void);
void client_dies(void);
void frames_are_zeroed(void);
void stale_capabilities(void);
void foreign_capabilities(void);
void own_pages_in_regions(void);
void own_pages_taken_out(void);
void task_taken_from_server(void);
void bad_ranges(void);
void rubbish(void);
void contiguous_memory(void);
void contiguous_memory_refused(void);
void pinned_memory_stays(void);
void devices_imported(void);
void devices_taken_back(void);
void random_operations(void);
void mapped_on_and_given_back(void);
void mapped_on_and_copied(void);
void mapped_on_and_left_to_the_copy(void);
void allocations_fail(void);
void inspected(void);
void inspected_by_clients(void);

#endif
