/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the plugin uses of QEMU's plugin interface, version 1 (QEMU 7.2, "TCG Plugins" in its developer documentation).
 * Debian ships no header for it; these prototypes and the structure are written by hand from that documentation.
 */
#ifndef SALTO_QEMU_PLUGIN_H
#define SALTO_QEMU_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QEMU_PLUGIN_INTERFACE 1
#define QEMU_PLUGIN_EXPORT __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;

struct qemu_plugin_tb;
struct qemu_plugin_insn;

/* Which CPU registers a callback touches: ours touch none. */
enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };

/* What an inlined operation does at each execution of an instruction. */
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };

struct qemu_info {
    const char *target_name; /* "x86_64" */
    struct {
        int minimum, current;
    } version;
    bool system_emulation;
    struct {
        int smp_vcpus, max_vcpus;
    } system;
};

/* What QEMU calls, and the version that it looks for. */
QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv);
extern QEMU_PLUGIN_EXPORT int qemu_plugin_version;

/* What it offers. */
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
                                           void (*callback)(qemu_plugin_id_t id, struct qemu_plugin_tb *block));
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *instruction,
                                            void (*callback)(unsigned cpu, void *argument),
                                            enum qemu_plugin_cb_flags flags, void *argument);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *instruction, enum qemu_plugin_op operation,
                                                void *counter, uint64_t addend);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, void (*callback)(qemu_plugin_id_t id, void *argument),
                                    void *argument);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *block, size_t index);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *instruction);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *instruction);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *instruction);

#endif
