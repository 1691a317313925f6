#include "egress/reply.h"

#include <stdio.h>
#include <string.h>

/* Format strings: kept apart so that each has exactly one %s. */
static const struct refusal_info infos[] = {
		[REFUSAL_SYNTAX] = {"400 Bad Request", WIRE_NOTICE_ADDRESS_REFUSED, "syntax",
				"The address of %s cannot be opened, because the request for it is "
				"not "
				"valid HTTP; check how the address is written."},
		[REFUSAL_TOO_LARGE] = {"431 Request Header Fields Too Large",
				WIRE_NOTICE_ADDRESS_REFUSED, "too_large",
				"The page at %s was not opened, because the address or the cookies "
				"sent "
				"with it are too long; a new session starts without cookies."},
		[REFUSAL_SCHEME] = {"403 Forbidden", WIRE_NOTICE_ADDRESS_REFUSED, "scheme",
				"The address of %s was not opened, because only http and https "
				"pages "
				"can be; check how the address begins."},
		[REFUSAL_SPELLING] = {"403 Forbidden", WIRE_NOTICE_ADDRESS_REFUSED, "spelling",
				"The address of %s was not opened, because an IP address has to be "
				"written as four decimal numbers; write it so, or use a name."},
		[REFUSAL_INTERNAL] = {"403 Forbidden", WIRE_NOTICE_INTERNAL_ADDRESS, "internal",
				"%s was not opened, because it leads to an internal network and "
				"not to "
				"the internet; open it outside this browser, or ask your "
				"administrator."},
		[REFUSAL_PORT] = {"403 Forbidden", WIRE_NOTICE_PORT_REFUSED, "port",
				"%s was not opened, because the port in its address does not "
				"belong to "
				"web pages; leave the port out, or ask your administrator."},
		[REFUSAL_NAME] = {"502 Bad Gateway", WIRE_NOTICE_NAME_NOT_FOUND, "no_such_name",
				"%s was not found, because no site has that name; check the "
				"spelling."},
		[REFUSAL_DNS] = {"502 Bad Gateway", WIRE_NOTICE_NAME_NOT_FOUND, "dns_failed",
				"%s could not be looked up, because the name server gave no "
				"answer; try "
				"again in a moment."},
		[REFUSAL_UNREACHABLE] = {"502 Bad Gateway", WIRE_NOTICE_UNREACHABLE, "unreachable",
				"%s cannot be reached, because its server takes no connection; try "
				"again "
				"later."},
		[REFUSAL_TIMEOUT] = {"504 Gateway Timeout", WIRE_NOTICE_TIMEOUT, "timeout",
				"%s did not answer in time; try again later."},
		[REFUSAL_PROXY] = {"502 Bad Gateway", WIRE_NOTICE_UPSTREAM_PROXY, "upstream_proxy",
				"%s was not opened, because your organization's proxy did not let "
				"the "
				"connection through; ask your administrator."},
		[REFUSAL_ANSWER] = {"502 Bad Gateway", WIRE_NOTICE_UNREACHABLE, "bad_answer",
				"%s gave no valid answer and closed the connection; try again "
				"later."},
		[REFUSAL_SLOW] = {"408 Request Timeout", WIRE_NOTICE_TIMEOUT, "slow_request",
				"The request for %s did not arrive whole in time; try again."},
};

const struct refusal_info *refusal_info(enum refusal refusal)
{
	return &infos[refusal];
}

/* Cuts a sentence at its %s instead of handing it to printf as a format. */
static int append_sentence(struct buffer *to, const char *sentence, const char *host)
{
	const char *mark = strstr(sentence, "%s");
	int code = buffer_append(to, sentence, (size_t)(mark - sentence));
	if (code == 0) {
		code = buffer_append(to, host, strlen(host));
	}
	return code < 0 ? code : buffer_append(to, mark + 2, strlen(mark + 2));
}

static const char page_start[] =
		"<!doctype html><meta charset=\"utf-8\"><meta name=\"viewport\" "
		"content=\"width=device-width\"><title>Not "
		"opened</title><style>body{font:1.1em/1.5 "
		"sans-serif;max-width:34em;margin:12vh auto;padding:0 "
		"1em;color:#222;background:#fff}"
		"@media(prefers-color-scheme:dark){body{color:#eee;background:#1b1b1f}}</style><p>";

int reply_write(enum refusal refusal, const struct target *target, bool is_connect,
		struct buffer *to)
{
	const struct refusal_info *info = refusal_info(refusal);
	const char *host = target->host[0] ? target->host : "this page";
	const char *start = is_connect ? "" : page_start;
	/* A host has only letters, digits and .-_: in it (see target.c): nothing to escape. */
	size_t len = strlen(start) + strlen(info->sentence) - 2 + strlen(host) + 1;
	char head[512];
	int head_len = snprintf(head, sizeof(head),
			"HTTP/1.1 %s\r\nContent-Type: %s; charset=utf-8\r\nContent-Length: %zu\r\n"
			"Cache-Control: no-store\r\nContent-Security-Policy: default-src 'none'; "
			"style-src 'unsafe-inline'\r\nX-Content-Type-Options: nosniff\r\n"
			"Connection: close\r\n\r\n",
			info->status, is_connect ? "text/plain" : "text/html", len);
	int code = buffer_append(to, head, (size_t)head_len);
	if (code == 0) {
		code = buffer_append(to, start, strlen(start));
	}
	if (code == 0) {
		code = append_sentence(to, info->sentence, host);
	}
	return code < 0 ? code : buffer_append(to, "\n", 1);
}
