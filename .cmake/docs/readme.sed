# Links into the source tree, as the reference has them: examples are pages, other files are not.
s#\[`examples/([0-9a-z_]+\.cpp)`\]\(examples/[^)]*\)#[\1](@ref \1)#g
s#\[(`[^`]*`)\]\([a-z]+/[^)]*\)#\1#g

# "recall@k" is no command:
s/([a-zA-Z])@k\b/\1\\@k/g
