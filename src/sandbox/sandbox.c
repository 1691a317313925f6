#include "sandbox/sandbox.h"

#include <errno.h>
#include <grp.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <unistd.h>

const char *const sandbox_basic_calls[] = {
		/* memory */
		"brk", "mmap", "munmap", "mremap", "mprotect", "madvise", "futex", "membarrier",
		"rseq", "set_robust_list", "get_robust_list",
		/* descriptors it already holds */
		"read", "readv", "pread64", "write", "writev", "close", "lseek", "fcntl", "dup",
		"fstat", "newfstatat", "poll", "ppoll", "epoll_create1", "epoll_ctl", "epoll_wait",
		"epoll_pwait", "eventfd2", "timerfd_create", "timerfd_settime", "signalfd4",
		"recvmsg", "sendmsg", "recvfrom", "sendto", "shutdown", "getsockopt", "socketpair",
		"pipe2",
		/* time, signals, identity, end */
		"clock_gettime", "clock_nanosleep", "nanosleep", "gettimeofday", "time",
		"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "getpid", "gettid",
		"getuid", "geteuid", "getgid", "getegid", "tgkill", "restart_syscall", "exit",
		"exit_group", "getrandom", "sched_yield", "sched_getaffinity", "prlimit64",
		"getrlimit", "sysinfo", "uname", NULL};

static int leave_user(const struct sandbox_profile *profile, struct error *err)
{
	if (profile->root && (chroot(profile->root) < 0 || chdir("/") < 0)) {
		return error_set_errno(err, "cannot make %s the root", profile->root);
	}
	if (profile->uid == 0) {
		return 0;
	}
	if (setgroups(0, NULL) < 0 || setresgid(profile->gid, profile->gid, profile->gid) < 0 ||
			setresuid(profile->uid, profile->uid, profile->uid) < 0) {
		return error_set_errno(err, "cannot become user %u", (unsigned)profile->uid);
	}
	return 0;
}

static int add_calls(scmp_filter_ctx filter, const char *const *calls)
{
	for (; *calls; calls++) {
		int number = seccomp_syscall_resolve_name(*calls);
		int code = number == __NR_SCMP_ERROR
				? -EINVAL
				: seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
		/* A call that this architecture lacks needs no rule. */
		if (code < 0 && code != -EDOM && code != -EEXIST) {
			return code;
		}
	}
	return 0;
}

static int load_filter(const char *const *calls, struct error *err)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	if (!filter) {
		return error_set(err, -ENOMEM, "no memory for a seccomp filter");
	}
	int code = add_calls(filter, sandbox_basic_calls);
	if (code == 0) {
		code = add_calls(filter, calls);
	}
	if (code == 0) {
		code = seccomp_load(filter);
	}
	seccomp_release(filter);
	return code < 0 ? error_set(err, code, "cannot load the seccomp filter (error %d)", -code)
			: 0;
}

int sandbox_enter(const struct sandbox_profile *profile, struct error *err)
{
	int code = leave_user(profile, err);
	if (code < 0) {
		return code;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
			prctl(PR_SET_DUMPABLE, profile->is_dumpable ? 1 : 0, 0, 0, 0) < 0) {
		return error_set_errno(err, "cannot give up new privileges");
	}
	/* Becoming another user cleared the tie to the parent's life. */
	if (prctl(PR_SET_PDEATHSIG, 9) < 0) {
		return error_set_errno(err, "cannot tie the process to its parent");
	}
	return profile->calls ? load_filter(profile->calls, err) : 0;
}
