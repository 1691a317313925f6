#include "egress/response.h"

#include <errno.h>
#include <string.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

int response_status(const char *head, size_t len)
{
	/* HTTP/1.1 200 */
	if (len < 13 || memcmp(head, "HTTP/1.", 7) != 0 || !is_digit(head[7]) || head[8] != ' ' ||
			!is_digit(head[9]) || !is_digit(head[10]) || !is_digit(head[11]) ||
			is_digit(head[12]) || head[9] == '0') {
		return -EBADMSG;
	}
	return (head[9] - '0') * 100 + (head[10] - '0') * 10 + (head[11] - '0');
}

/* True when the line is dropped. Servers send what they like; the browser judges it. But what is
 * dropped is dropped whole, with its folded lines. */
static bool line_is_dropped(struct head_span line, int status, bool was_dropped)
{
	if (line.bytes[0] == ' ' || line.bytes[0] == '\t') {
		return was_dropped;
	}
	const char *colon = memchr(line.bytes, ':', line.len);
	struct head_span name = {line.bytes, colon ? (size_t)(colon - line.bytes) : line.len};
	while (name.len && (name.bytes[name.len - 1] == ' ' || name.bytes[name.len - 1] == '\t')) {
		name.len--;
	}
	/* The answer's framing goes through as it is: the body does, too. */
	bool is_framing = head_equals(name, "transfer-encoding") || head_equals(name, "trailer");
	bool is_switch = status == 101 && head_equals(name, "upgrade");
	return head_is_hop_by_hop(name) && !is_framing && !is_switch;
}

static int append_line(struct buffer *to, struct head_span line)
{
	int code = buffer_append(to, line.bytes, line.len);
	return code < 0 ? code : buffer_append(to, "\r\n", 2);
}

int response_write(const char *head, size_t len, struct buffer *to)
{
	int status = response_status(head, len);
	if (status < 0) {
		return status;
	}
	struct head_span rest = {head, len};
	struct head_span line;
	bool is_first = true;
	bool dropped = false;
	int code = 0;
	while (code == 0 && head_next_line(&rest, &line) && line.len) {
		dropped = !is_first && line_is_dropped(line, status, dropped);
		is_first = false;
		if (!dropped) {
			code = append_line(to, line);
		}
	}
	const char *end = status == 101 ? "Connection: Upgrade\r\n\r\n"
			: status < 200	? "\r\n"
					: "Connection: close\r\n\r\n";
	return code < 0 ? code : buffer_append(to, end, strlen(end));
}
