/* transforms: the transformations come with the first panel that has one: they are 6 KB that most dashboards never use. */
import { useEffect, useState } from 'react';
import type { Frame } from '../grafana/frame';
import type { Transformed } from '../grafana/transform';
import type { Transformation } from '../grafana/transform/types';

type Transform = (frames: readonly Frame[], steps: readonly Transformation[]) => Transformed;

const nothing: Transform = (frames) => ({ frames: [...frames], unknown: [], errors: [] });
let loaded: Transform | undefined;

/** useTransform gives what transforms frames, or nothing while that is still on its way. */
export function useTransform(steps: readonly Transformation[]): Transform | undefined {
    const wanted = steps.length > 0;
    const [, setHere] = useState(loaded !== undefined);
    useEffect(() => {
        let gone = false;
        if (wanted && !loaded) {
            void import('../grafana/transform').then((module) => {
                loaded = module.transformFrames;
                return gone || setHere(true);
            });
        }
        return () => {
            gone = true;
        };
    }, [wanted]);
    return wanted ? loaded : nothing;
}
