/* Stands where Chromium does and does what it is told, as hostile native code in a session would.
 *
 * Commands come in on descriptor 3, one a line; each is answered on 4 with "number\n": a count,
 * or an errno (0 for success) of what was tried.
 *
 *   call NR A B C D E F      a system call in a child
 *   nested NR A B C D E F    the same as root in a user namespace of its own
 *   write PATH               open for writing, creating
 *   connect PORT             TCP to 127.0.0.1
 *   outside                  TCP to an address elsewhere
 *   fork N                   how many of N children could be made
 *   eat MIB                  a child that uses so much memory: the signal that ended it, 0 for none
 *   fill PATH MIB            how many MiB could be written to a file there
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define FORKS_MAX 4096
#define MIB (1U << 20)

static int wait_status(pid_t pid)
{
	int status = 0;
	waitpid(pid, &status, 0);
	return status;
}

static long run_call(const char *words, int nested)
{
	long nr = 0;
	long a[6] = {0};
	sscanf(words, "%li %li %li %li %li %li %li", &nr, &a[0], &a[1], &a[2], &a[3], &a[4], &a[5]);
	pid_t pid = fork();
	if (pid == 0) {
		if (nested && unshare(CLONE_NEWUSER) < 0) {
			_exit(255);
		}
		errno = 0;
		_exit(syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]) < 0 ? errno : 0);
	}
	int status = wait_status(pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static long run_write(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		return errno;
	}
	close(fd);
	return 0;
}

static long run_connect(const char *address, long port)
{
	struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	inet_pton(AF_INET, address, &where.sin_addr);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	long result = fd < 0 || connect(fd, (struct sockaddr *)&where, sizeof(where)) < 0 ? errno
											  : 0;
	close(fd);
	return result;
}

static long run_fork(long wanted)
{
	static pid_t children[FORKS_MAX];
	long made = 0;
	while (made < wanted && made < FORKS_MAX) {
		children[made] = fork();
		if (children[made] == 0) {
			pause();
			_exit(0);
		}
		if (children[made] < 0) {
			break;
		}
		made++;
	}
	for (long i = 0; i < made; i++) {
		kill(children[i], SIGKILL);
		wait_status(children[i]);
	}
	return made;
}

static long run_eat(long mib)
{
	pid_t pid = fork();
	if (pid == 0) {
		char *memory = mmap(NULL, (size_t)mib * MIB, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		memset(memory, 1, (size_t)mib * MIB);
		_exit(0);
	}
	int status = wait_status(pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static long run_fill(const char *words)
{
	static char block[MIB];
	char path[256];
	long mib = 0;
	sscanf(words, "%255s %li", path, &mib);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	long written = 0;
	while (written < mib && write(fd, block, sizeof(block)) == (ssize_t)sizeof(block)) {
		written++;
	}
	close(fd);
	unlink(path);
	return written;
}

static long run(char *line)
{
	char *words = strchr(line, ' ');
	if (words) {
		*words++ = '\0';
	} else {
		words = line + strlen(line);
	}
	if (strcmp(line, "call") == 0 || strcmp(line, "nested") == 0) {
		return run_call(words, line[0] == 'n');
	}
	if (strcmp(line, "write") == 0) {
		return run_write(words);
	}
	if (strcmp(line, "connect") == 0) {
		return run_connect("127.0.0.1", strtol(words, NULL, 10));
	}
	if (strcmp(line, "outside") == 0) {
		return run_connect("192.0.2.1", 80);
	}
	if (strcmp(line, "fork") == 0) {
		return run_fork(strtol(words, NULL, 10));
	}
	if (strcmp(line, "eat") == 0) {
		return run_eat(strtol(words, NULL, 10));
	}
	return strcmp(line, "fill") == 0 ? run_fill(words) : -1;
}

int main(void)
{
	FILE *in = fdopen(3, "r");
	char line[512];
	while (in && fgets(line, sizeof(line), in)) {
		line[strcspn(line, "\n")] = '\0';
		dprintf(4, "%ld\n", run(line));
	}
	return 0;
}
