FROM scratch
RUN <<EOF
set -e
echo "hello $HOME"
# a comment of the shell
EOF
RUN <<-EOT bash -ex
	tabs are
		taken away
	EOT
RUN <<'PY' python3
print("$not expanded")
PY
RUN cat <<FIRST 3<<"SECOND" - /dev/fd/3
first
FIRST
second
SECOND
RUN <<EOF sh && echo done
EOF
COPY <<robots.txt <<-"humans.txt" static/ /srv/
User-agent: *
Disallow: $PATHS
robots.txt
	We are $humans.
	humans.txt
ADD --chmod=0644 <<config /etc/
key = value
config
ONBUILD RUN <<E
trigger
E
RUN echo "<<NOT" '<<A DOCUMENT' <<<word
RUN a<<EOF
COPY <<"a b" /x
quoted name
a b
RUN <<E
windows
E
RUN true
