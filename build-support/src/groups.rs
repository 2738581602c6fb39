//! Fifth stage: which functions call each other in circles.

/// Groups of nodes that reach each other (strongly connected components), callees before callers, by Tarjan's algorithm
/// (1972) without recursion. `callees[n]` are the nodes that `n` calls.
pub fn groups(callees: &[Vec<usize>]) -> Vec<Vec<usize>> {
    const UNSEEN: usize = usize::MAX;
    let count = callees.len();
    let (mut order, mut lowest) = (vec![UNSEEN; count], vec![0; count]);
    let mut on_stack = vec![false; count];
    let (mut stack, mut groups) = (Vec::new(), Vec::new());
    let mut next = 0;
    // The path from the root: a node, and how many of its callees were looked at.
    let mut path: Vec<(usize, usize)> = Vec::new();
    for root in 0..count {
        if order[root] != UNSEEN {
            continue;
        }
        path.push((root, 0));
        while let Some((node, done)) = path.pop() {
            if done == 0 {
                order[node] = next;
                lowest[node] = next;
                next += 1;
                stack.push(node);
                on_stack[node] = true;
            } else {
                let callee = callees[node][done - 1];
                lowest[node] = lowest[node].min(lowest[callee]);
            }
            let mut index = done;
            let mut deeper = None;
            while let Some(&callee) = callees[node].get(index) {
                index += 1;
                if order[callee] == UNSEEN {
                    deeper = Some(callee);
                    break;
                }
                if on_stack[callee] {
                    lowest[node] = lowest[node].min(order[callee]);
                }
            }
            if let Some(callee) = deeper {
                path.push((node, index));
                path.push((callee, 0));
                continue;
            }
            if lowest[node] == order[node] {
                let mut group = Vec::new();
                while let Some(member) = stack.pop() {
                    on_stack[member] = false;
                    group.push(member);
                    if member == node {
                        break;
                    }
                }
                groups.push(group);
            }
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::groups;

    #[test]
    fn callees_come_first_and_circles_are_one_group() {
        // 0 -> 1 -> 2 -> 1, 2 -> 3, 0 -> 3, 4 -> 4
        let found = groups(&[vec![1, 3], vec![2], vec![1, 3], vec![], vec![4]]);
        let sorted: Vec<Vec<usize>> = found
            .into_iter()
            .map(|mut g| {
                g.sort_unstable();
                g
            })
            .collect();
        assert_eq!(sorted, [vec![3], vec![1, 2], vec![0], vec![4]]);
    }

    #[test]
    fn a_long_chain_does_not_overflow_the_stack() {
        let count = 200_000;
        let callees: Vec<Vec<usize>> =
            (0..count).map(|n| if n + 1 < count { vec![n + 1] } else { vec![0] }).collect();
        assert_eq!(groups(&callees).len(), 1);
    }
}
