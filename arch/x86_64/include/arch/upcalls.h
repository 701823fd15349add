/* The functions above arch/x86_64 that its C and assembly code calls. They are declared here and
 * defined in the directory that each comment names. Only panic (lib/panic.h) is called besides. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <abi/limits.h>
#include <abi/types.h>

struct exception_frame;
struct page_fault;
struct thread_context;

/* --- entering the kernel -------------------------------------------------------------------------
 */

/* kernel/main.c: the boot CPU's first C code, on its first stack, interrupts off. `magic` and
 * `info_address` (physical) are what the loader left in eax and ebx. */
_Noreturn void kernel_main(uint32_t magic, uint64_t info_address);
/* kernel/main.c: each other CPU, on its own stack, interrupts off, with the final page tables. */
_Noreturn void secondary_cpu_main(void);

/* kernel/syscall: the system calls, indexed by number. Each has its own type; the entry code passes
 * eight words to all. A number without a call has sys_bad_syscall. */
typedef void (*syscall_function_t)(void);
extern const syscall_function_t syscall_table[SYSCALL_MAX_NUMBER];
zx_status_t sys_bad_syscall(void);

/* --- exceptions ----------------------------------------------------------------------------------
 */

/* kernel/mm: resolves a page fault. True: the access can be tried again. Interrupts are on if they
 * were on before the fault. If it returns false in a user copy, the copy goes on at its entry in
 * the fault table. */
bool page_fault_handle(const struct page_fault* fault);
/* kernel/mm: returns whether the page tables already permit the access. Interrupts on. */
bool page_fault_is_spurious(const struct page_fault* fault);
/* kernel/mm: returns whether the address is in the guard page below a kernel stack. */
bool kernel_stack_is_guard(uintptr_t address);
/* kernel/task: ends the process after an exception of user mode that the kernel could not resolve.
 * `name` is the exception's name. Interrupts on. */
_Noreturn void user_exception(const struct exception_frame* frame, const char* name,
                              uintptr_t fault_address);
/* kernel/debug: runs the emergency console in an NMI, at any point of the kernel. The system cannot
 * continue afterwards. */
void emergency_console_run_anywhere(void);

/* --- interrupts; all with interrupts off ---------------------------------------------------------
 */

/* kernel/sched: called before and after each handler that may unpark threads. interrupt_end gets
 * the result of interrupt_begin: whether the interrupted thread was handing over its CPU. */
bool interrupt_begin(void);
void interrupt_end(bool was_handing_over);
/* arch/pc: a device raised the ISA line (0-15). */
void device_interrupt(uint32_t line);
/* kernel/sched, in this order: the one-shot timer fired; a reschedule message came; this CPU
 * interrupted itself. */
void timer_interrupt(void);
void reschedule_interrupt(void);
void soft_interrupt(void);
/* kernel/lock: another CPU has made an ipi_call that includes this CPU. */
void ipi_call_interrupt(void);

/* --- threads -------------------------------------------------------------------------------------
 */

/* kernel/sched: called last on the way out of an interrupt, if the interrupted code may be
 * preempted and a reschedule is wanted. (preempt_count is 0 then.) Interrupts off. It may switch
 * threads. */
void interrupt_preempt(void);
/* kernel/sched: switches to another thread. Called when the last preempt_disable is undone and a
 * reschedule is wanted (arch/preempt.h). Returns when this thread runs again. */
void preempt_reschedule(void);
/* preempt_reschedule as the last step of a function that returns `value`. */
int64_t preempt_reschedule_and_return(int64_t value);
/* kernel/sched: called before a return to user mode (system call, interrupt, exception), if the
 * thread's context.pending_work is not 0. Does not return if the thread was killed. */
void thread_return_to_user(void);
/* kernel/sched: the first call of a new thread. `previous` is the thread that ran on this CPU
 * before it. Interrupts off. */
void thread_first_run(struct thread_context* previous);
/* kernel/sched: called when the thread's entry function returns. */
_Noreturn void thread_entry_returned(void);

/* --- other CPUs, and memory ----------------------------------------------------------------------
 */

/* kernel/lock: runs function(argument) on every CPU in `cpu_mask` but this one, and waits until all
 * have run it. It runs with interrupts off, and unparks no thread. The caller has interrupts on. */
void ipi_call(uint32_t cpu_mask, void (*function)(void*), void* argument);

/* kernel/mm: allocates and frees pages for page tables. A new page is zero, and so is its count,
 * which the caller maintains. NULL: no memory. */
void* table_page_alloc(void);
void table_page_free(void* table);
_Atomic uint32_t* table_page_count(const void* table);

/* kernel/mm: memory for the FPU states of threads. All have one size, which fpu_memory_init sets
 * once. NULL: no memory. */
void fpu_memory_init(size_t size, size_t alignment);
void* fpu_memory_alloc(void);
void fpu_memory_free(void* state);
