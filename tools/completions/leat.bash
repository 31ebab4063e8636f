# SPDX-License-Identifier: GPL-2.0-only
# bash completion for leat: source it, or put it into /usr/share/bash-completion/completions/leat
#
# Verbs and options are asked from leat itself, so that there is one list of them.

_leat_verbs() {
	leat --help 2>/dev/null | awk '/^  [a-z]/ { print $1 }'
}

_leat_options() {
	leat "$1" --help 2>/dev/null | awk '/^  -[a-z], --/ { sub(",", "", $1); print $1; print $2 }'
}

# words before the cursor's, as the shell sees them: COMP_WORDS splits addresses at their colons
_leat_words_before() {
	local words

	read -ra words <<<"${COMP_LINE:0:COMP_POINT}"
	[[ -n $1 ]] && unset "words[-1]"
	echo "${#words[@]}"
}

_leat() {
	local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	local verb=${COMP_WORDS[1]}

	COMPREPLY=()
	if ((COMP_CWORD == 1)) || { ((COMP_CWORD == 2)) && [[ $verb == help ]]; }; then
		mapfile -t COMPREPLY < <(compgen -W "$(_leat_verbs)" -- "$word")
		return
	fi
	case $previous in
	-c | --config | -s | --socket | -t | --state)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	-p | --pin-dir | -g | --cgroup)
		mapfile -t COMPREPLY < <(compgen -d -- "$word")
		return
		;;
	-w | --watch | -a | --agent-check | -b | --bind) return ;;
	esac
	if [[ $word == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_leat_options "$verb")" -- "$word")
	elif [[ $verb == check ]]; then
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
	elif [[ $verb == explain ]] && (($(_leat_words_before "$word") == 4)); then
		mapfile -t COMPREPLY < <(compgen -W "tcp udp" -- "$word")
	fi
}

complete -F _leat leat
