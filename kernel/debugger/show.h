/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the debugger's commands print. All of it only reads, and prints on the console; nothing that a program did may
 * make it fault. Threads and endpoints have the numbers of their hot lines.
 */
#ifndef SALTO_DEBUGGER_SHOW_H
#define SALTO_DEBUGGER_SHOW_H

#include <stdbool.h>
#include <stdint.h>

struct endpoint;
struct object;
struct task;
struct thread;

/* Numbers to print. */
uint32_t thread_line_number(const struct thread *thread);
uint32_t endpoint_line_number(const struct endpoint *endpoint);

/* The thread with that number, or 0. */
struct thread *thread_by_number(uint64_t number);

/* Thread after `thread` in the list of all threads of all tasks; the first one after 0; 0 after the last one. */
struct thread *thread_after(const struct thread *thread);

/* Prints `#NUMBER TASK/NUMBER-IN-TASK`. */
void print_thread(const struct thread *thread);

/* Prints what the thread waits for, and on whom, without a line end. */
void print_wait(const struct thread *thread);

/* Does the task hold a capability to the object with all of `rights`? */
bool task_holds(const struct task *task, const struct object *object, uint32_t rights);

/* The object after `object` in the tree of all factories; the first one after 0; 0 after the last one. */
struct object *object_after(const struct object *object);

/* Commands. */
void show_tasks(void);
void show_threads(void);
void show_thread(const struct thread *thread);
void show_endpoints(void);
void show_queues(void);
void show_cycles(void);
void show_events(uint64_t most);
void show_ipc(void);
void show_hot_line(const struct thread *thread);
void show_capabilities(const struct task *task);
void show_mappings(const struct task *task);
void show_page_tables(const struct task *task, uint64_t address);

#endif
