/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux's calls on files. There are three, all of them the console: 0 is read from, 1 and 2 are written to, and to the
 * program they are a terminal, so that its C library writes each line when it is complete. Without a console nothing is
 * open: writing answers EBADF, and reading says that the file has ended.
 */
#include <errno.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include "linux.h"
#include "threads.h"

#define MOST_VECTORS 1024 /* Linux' IOV_MAX */

/* Text on its way to the console, so that a line in several pieces goes out as one. */
struct chunk {
    uint8_t text[IPC_CONSOLE_LONG];
    uint32_t length;
    bool failed;
};

static void flush(struct chunk *chunk)
{
    if (chunk->length > 0 && ipc_console_write(chunk->text, chunk->length) != 0)
        chunk->failed = true;
    chunk->length = 0;
}

static void append(struct chunk *chunk, const uint8_t *text, uint64_t length)
{
    for (uint64_t i = 0; i < length && !chunk->failed; i++) {
        chunk->text[chunk->length++] = text[i];
        if (chunk->length == IPC_CONSOLE_LONG)
            flush(chunk);
    }
}

static bool is_open(uint64_t file)
{
    return file <= 2 && linux_grants.console != 0;
}

/* write(file, text, length) */
int64_t linux_write(const struct linux_frame *frame)
{
    struct chunk chunk = {.length = 0};
    if (!is_open(frame->rdi) || frame->rdi == 0)
        return -EBADF;
    if (!linux_pointer_is_plausible(frame->rsi, frame->rdx))
        return -EFAULT;
    append(&chunk, (const uint8_t *)frame->rsi, frame->rdx);
    flush(&chunk);
    return chunk.failed ? -EIO : (int64_t)frame->rdx;
}

/* Are all parts of a vector plausible, and their sum representable? Answers the sum, or a negated errno. */
static int64_t check_vectors(uint64_t address, uint64_t count)
{
    const struct iovec *vectors = (const struct iovec *)address;
    uint64_t total = 0;
    if (count > MOST_VECTORS)
        return -EINVAL;
    if (!linux_pointer_is_plausible(address, count * sizeof(*vectors)))
        return -EFAULT;
    for (uint64_t i = 0; i < count; i++) {
        if (!linux_pointer_is_plausible((uint64_t)vectors[i].iov_base, vectors[i].iov_len))
            return -EFAULT;
        total += vectors[i].iov_len; /* each is below 2^47, and there are at most 2^10 */
    }
    return (int64_t)total;
}

/* writev(file, vectors, count) */
int64_t linux_writev(const struct linux_frame *frame)
{
    const struct iovec *vectors = (const struct iovec *)frame->rsi;
    struct chunk chunk = {.length = 0};
    if (!is_open(frame->rdi) || frame->rdi == 0)
        return -EBADF;
    int64_t total = check_vectors(frame->rsi, frame->rdx);
    if (total < 0)
        return total;
    for (uint64_t i = 0; i < frame->rdx; i++)
        append(&chunk, vectors[i].iov_base, vectors[i].iov_len);
    flush(&chunk);
    return chunk.failed ? -EIO : total;
}

static uint32_t typed_lock; /* guards what was typed and not read; held while somebody waits for more, too */
static uint8_t typed[IPC_CONSOLE_SHORT];
static uint32_t typed_count, typed_used;

void linux_console_prepare(void)
{
    typed_lock = 0;
}

void linux_console_forked(void)
{
    typed_lock = typed_count = typed_used = 0;
}

/* Waits for something typed, and stores at most `size` bytes of it. A terminal's Return key sends '\r'. */
static int64_t read_typed(uint8_t *buffer, uint64_t size)
{
    while (typed_used == typed_count) {
        typed_used = typed_count = 0;
        if (ipc_console_read(typed, &typed_count) != 0)
            return 0;
        if (typed_count == 0)
            ipc_yield();
    }
    uint64_t done = 0;
    while (done < size && typed_used < typed_count) {
        uint8_t byte = typed[typed_used++];
        buffer[done++] = byte == '\r' ? '\n' : byte;
    }
    return (int64_t)done;
}

static int64_t read_file(uint64_t file, uint64_t address, uint64_t size)
{
    if (file != 0)
        return -EBADF;
    if (!linux_pointer_is_plausible(address, size))
        return -EFAULT;
    if (linux_grants.console == 0 || size == 0)
        return 0;
    linux_lock(&typed_lock);
    int64_t result = read_typed((uint8_t *)address, size);
    linux_unlock(&typed_lock);
    return result;
}

/* read(file, buffer, size) */
int64_t linux_read(const struct linux_frame *frame)
{
    return read_file(frame->rdi, frame->rsi, frame->rdx);
}

/* readv(file, vectors, count): a short read, into the first part that has room. */
int64_t linux_readv(const struct linux_frame *frame)
{
    const struct iovec *vectors = (const struct iovec *)frame->rsi;
    int64_t total = check_vectors(frame->rsi, frame->rdx);
    if (total <= 0)
        return total;
    while (vectors->iov_len == 0)
        vectors++;
    return read_file(frame->rdi, (uint64_t)vectors->iov_base, vectors->iov_len);
}

/* ioctl(file, request, argument): a terminal of unknown size. */
int64_t linux_ioctl(const struct linux_frame *frame)
{
    if (!is_open(frame->rdi))
        return -EBADF;
    if (frame->rsi != TIOCGWINSZ)
        return -ENOTTY;
    if (!linux_pointer_is_plausible(frame->rdx, sizeof(struct winsize)))
        return -EFAULT;
    *(struct winsize *)frame->rdx = (struct winsize){0};
    return 0;
}

/* lseek: a terminal has no position. */
int64_t linux_lseek(const struct linux_frame *frame)
{
    return is_open(frame->rdi) ? -ESPIPE : -EBADF;
}

/* close: the console stays, since nothing else could take its number. */
int64_t linux_close(const struct linux_frame *frame)
{
    return is_open(frame->rdi) ? 0 : -EBADF;
}
