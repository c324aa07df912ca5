/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver of a serial line: serves idl/serial.idl as "serial". It needs the device's ports as "ports" and its
 * interrupt as "line", which the manifest gives it:
 *
 *     program serial { serves serial; ports ports = 0x2f8 to 0x2ff; interrupt line = 3; grant console rights write; }
 */
#include <salto/error.h>
#include <salto/server.h>
#include <salto/startup.h>
#include <salto/wait.h>
#include <stdio.h>
#include <stdlib.h>

#include "idl/factory.h"
#include "idl/interrupt.h"
#include "idl/notification.h"
#include "idl/ports.h"
#include "idl/serial_service_server.h"
#include "uart.h"

#define UART_PORTS 8

static struct service {
    struct uart uart;
    kernel_interrupt_t interrupt;
    uint32_t watcher; /* a notification; 0: none */
    uint64_t interrupts;
} service;

/* A watcher that died is none any more. */
static void tell(struct service *self)
{
    if (self->watcher && ipc_signal(self->watcher, 1) != 0) {
        idl_release(self->watcher);
        self->watcher = 0;
    }
}

static int on_read(void *object, const struct idl_call *call, struct idl_outbuf *data)
{
    struct service *self = object;

    (void)call;
    data->length = uart_read(&self->uart, data->data, data->capacity);
    return 0;
}

static int on_write(void *object, const struct idl_call *call, const void *data, size_t data_size, uint32_t *taken)
{
    struct service *self = object;

    (void)call;
    *taken = (uint32_t)uart_write(&self->uart, data, data_size);
    return 0;
}

static int on_watch(void *object, const struct idl_call *call, struct idl_cap *notification)
{
    struct service *self = object;

    int result = ipc_signal(notification->handle, 1);

    (void)call;
    if (result != 0) /* another object, or without the right */
        return result;
    idl_release(self->watcher);
    self->watcher = idl_take(notification);
    return 0;
}

static int on_statistics(void *object, const struct idl_call *call, struct serial_statistics *statistics)
{
    const struct service *self = object;

    (void)call;
    *statistics =
        (struct serial_statistics){self->uart.received, self->uart.sent, self->uart.overruns, self->interrupts};
    return 0;
}

SERIAL_LINE_SERVER(serve_line, on)

/* Acknowledged last: an edge that comes before that is signalled then. */
static void interrupted(void *object, uint64_t bits)
{
    struct service *self = object;

    (void)bits;
    self->interrupts++;
    if (uart_interrupt(&self->uart))
        tell(self);
    if (kernel_interrupt_acknowledge(self->interrupt) != 0)
        exit(1);
}

static _Noreturn void fail(int result)
{
    fprintf(stderr, "serial: %s\n", salto_error_text(result));
    exit(1);
}

int main(void)
{
    uint32_t first = 0, count = 0;
    kernel_notification_t notification = {0};
    int result = kernel_ports_bounds((kernel_ports_t){salto_require("ports")}, &first, &count);

    service.interrupt = (kernel_interrupt_t){salto_require("line")};
    if (result == 0 && count < UART_PORTS)
        result = -ERROR_BAD_ARGUMENT;
    if (result == 0)
        result = kernel_factory_create_notification((kernel_factory_t){salto_require("factory")}, &notification);
    if (result == 0)
        result = kernel_notification_bind(notification, (kernel_thread_t){salto_require("thread")});
    if (result == 0)
        result = kernel_interrupt_bind(service.interrupt, notification);
    if (result != 0)
        fail(result);
    if (!uart_open(&service.uart, (uint16_t)first)) {
        fprintf(stderr, "serial: there is no 16550 at ports 0x%x to 0x%x\n", first, first + UART_PORTS - 1);
        return 1;
    }
    fail(salto_serve_signals(salto_require("serial"), serve_line, &service, interrupted));
}
