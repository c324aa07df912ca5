/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel errors, defined once, with their text. A system call returns one in rax in place of a tag; a stub returns it
 * negated. Numbers are part of the ABI: append, never renumber.
 */
#ifndef SALTO_ABI_ERRORS_H
#define SALTO_ABI_ERRORS_H

#define SALTO_ERRORS(ERROR)                                                                  \
    ERROR(1, BAD_HANDLE, "no capability stands behind this handle")                          \
    ERROR(2, NO_RIGHT, "the capability lacks the right that the operation needs")            \
    ERROR(3, BAD_TAG, "the message tag is malformed, or not what the operation takes")       \
    ERROR(4, WRONG_TYPE, "the capability names an object of another type")                   \
    ERROR(5, BAD_OPERATION, "the object has no such operation")                              \
    ERROR(6, DEAD, "the partner or the object died")                                         \
    ERROR(7, WOULD_BLOCK, "nobody was ready, and the call did not want to wait")             \
    ERROR(8, INTERRUPTED, "the IPC was broken off from outside")                             \
    ERROR(9, TIMEOUT, "the deadline passed")                                                 \
    ERROR(10, NO_MEMORY, "the quota, or the machine's memory, is used up")                   \
    ERROR(11, NO_SLOT, "no handle, thread number or hot slot is free")                       \
    ERROR(12, BAD_ADDRESS, "the address is not mappable, misaligned, or outside the object") \
    ERROR(13, BAD_ARGUMENT, "an argument is out of its range")                               \
    ERROR(14, NO_CALLER, "there is no caller to answer")                                     \
    ERROR(15, BUSY, "the object is in a state that does not allow the operation")            \
    ERROR(16, OCCUPIED, "something is mapped there already")                                 \
    ERROR(17, DEADLOCK, "waiting would close a cycle")                                       \
    ERROR(18, ABANDONED, "the answer was dropped")                                           \
    ERROR(19, NO_BUFFER, "the partner takes no string there, or none as long")               \
    ERROR(20, NO_WINDOW, "the partner opened no window for pages, or too small a one")       \
    ERROR(21, PARTNER_MEMORY, "memory of the partner could not be reached")

#define SALTO_ERROR_ENUM(number, name, text) ERROR_##name = (number),
#ifndef __ASSEMBLER__
enum error { ERROR_NONE = 0, SALTO_ERRORS(SALTO_ERROR_ENUM) ERROR_LAST };
#endif

#endif
